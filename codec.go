package procpool

import "github.com/procpool/procpool/internal/codec"

// View is a byte slice for arguments that are read where they lie: a function whose In is View gets the bytes without a
// copy of its own. They are valid until the function returns, and must not be changed. Elsewhere it is like []byte.
type View = codec.View

// Args2 are the arguments of a function of two; see [Define2].
type Args2[A, B any] = codec.Args2[A, B]

// Args3 are the arguments of a function of three; see [Define3].
type Args3[A, B, C any] = codec.Args3[A, B, C]

// Two makes the arguments of a function of two.
func Two[A, B any](a A, b B) Args2[A, B] { return Args2[A, B]{A: a, B: b} }

// Three makes the arguments of a function of three.
func Three[A, B, C any](a A, b B, c C) Args3[A, B, C] { return Args3[A, B, C]{A: a, B: b, C: c} }
