# Tools are pinned here and built into .bin: a check depends on nothing that happens to be installed. `go run` would ask the
# network for each of them each time.
staticcheck := honnef.co/go/tools/cmd/staticcheck@v0.8.2
gofumpt     := mvdan.cc/gofumpt@v0.12.0
exhaustive  := github.com/nishanths/exhaustive/cmd/exhaustive@v0.17.1
errorlint   := github.com/polyfloyd/go-errorlint@v1.8.0

bin         := $(CURDIR)/.bin

# What needs C, or other libraries, is a module of its own below this one. `each` runs a command in all of them.
modules := $(shell find . -name go.mod -not -path '*/testdata/*' -exec dirname {} \; | sort)
comma   := ,
each     = @set -e; for module in $(modules); do (cd "$$module" && $(1)); done

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

.PHONY: fetch
fetch: $(bin)/built ## download what the other targets need, for each operating system, and build the tools
	$(call each,for os in linux darwin windows; do GOOS=$$os CGO_ENABLED=1 go list -deps -test ./... >/dev/null || exit; done)

$(bin)/built: Makefile
	@for tool in $(staticcheck) $(gofumpt) $(exhaustive) $(errorlint); do GOBIN=$(bin) go install $$tool || exit; done
	@touch $@

.PHONY: test
test: ## run all tests
	$(call each,go test ./...)

.PHONY: check
check: vet lint format imports ## run all checks: vet, lint, format, imports

# Each system compiles other files. Without C, because the other systems' compilers are not here.
.PHONY: vet
vet: ## find suspicious code, for each operating system
	$(call each,go vet ./...)
	$(call each,GOOS=darwin CGO_ENABLED=0 go vet ./...)
	$(call each,GOOS=windows CGO_ENABLED=0 go vet ./...)

# Few rules, each for a reason:
#   staticcheck  finds mistakes, and code that nothing uses.
#   errorlint    errors cross a process border and arrive wrapped: a type assertion misses them, and %v instead of %w cuts
#                the chain. Comparing is left alone: the errno of a system call is never wrapped.
#   exhaustive   a switch on a state or a cause names every one, or has a default, so that a new one can't be forgotten.
.PHONY: lint
lint: $(bin)/built ## find mistakes
	$(call each,$(bin)/staticcheck ./...)
	$(call each,$(bin)/go-errorlint -errorf -comparison=false -test=false ./...)
	$(call each,$(bin)/exhaustive -d -typeonly '\.(State|Cause)$$' ./...)

# gofumpt leaves nothing to taste, so that no review speaks of it.
.PHONY: format
format: $(bin)/built ## fail if a file is not formatted
	@unformatted=$$($(bin)/gofumpt -l .) && test -z "$$unformatted" || \
		{ printf 'Not formatted, run `make fmt`:\n%s\n' "$$unformatted"; exit 1; }

.PHONY: imports
imports: ## fail if a room imports what it may not, or a file is too long
	go test ./internal/house

.PHONY: fmt
fmt: $(bin)/built ## format every file
	$(bin)/gofumpt -l -w .

.PHONY: bench
bench: ## measure the goals beside the peers, and write docs/benchmarks.md
	cd bench && go run . -o ../docs/benchmarks.md

.PHONY: hops
hops: ## run the Go benchmarks of each hop of a task: docs/performance.md
	go test -run '^$$' -bench . -benchmem . ./internal/...

.PHONY: chaos
chaos: ## run 50,000 tasks while workers are killed, stopped and replaced: docs/reliability.md
	go run ./internal/chaos -tasks 50000

.PHONY: soak
soak: chaos ## hunt flakes: all tests, often, in random order, with the race detector
	$(call each,go test -race -shuffle=on -cpu 1$(comma)2 -count 3 -timeout 60m ./...)
