package codec

import (
	"strings"
	"testing"
	"time"
)

func bench[T any](name string, v T) func(*testing.B) {
	return func(b *testing.B) {
		c := For[T]()
		buf, err := c.Append(nil, &v)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name+"/append", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(buf)))
			for b.Loop() {
				buf, _ = c.Append(buf[:0], &v)
			}
		})
		b.Run(name+"/decode", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(buf)))
			for b.Loop() {
				var out T
				_ = c.Decode(buf, &out)
			}
		})
	}
}

func BenchmarkCodec(b *testing.B) {
	scores := map[string]int{"go": 1}
	ann := person{"Ann", 41, 60.5, true, []byte("photo"), []string{"Bob", "Eve"}, scores, time.Now()}
	for _, run := range []func(*testing.B){
		bench("int", 42),
		bench("large int", int64(1)<<40),
		bench("string", "hello, world"),
		bench("1KiB", []byte(strings.Repeat("x", 1<<10))),
		bench("view", View(strings.Repeat("x", 1<<10))),
		bench("args", Args2[int, float64]{1, 2}),
		bench("struct", ann),
		bench("flat struct", flats()[1]),
		bench("any", any(map[string]any{"a": 1, "b": []any{1.5, "x"}})),
		bench("floats", make([]float64, 1e6)),
		bench("strings", strings.Split(strings.Repeat("hello ", 100), " ")),
	} {
		run(b)
	}
}
