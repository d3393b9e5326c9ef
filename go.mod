module github.com/procpool/procpool

go 1.26.0

require github.com/fxamacker/cbor/v2 v2.9.6

require (
	github.com/x448/float16 v0.8.4 // indirect
	go.uber.org/goleak v1.3.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	pgregory.net/rapid v1.3.0 // indirect
)
