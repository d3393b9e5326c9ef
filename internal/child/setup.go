package child

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/procpool/procpool/internal/wire"
)

// setup answers the pool's first frame: hello, the initializer, ready.
func (s *server) setup(body []byte) error {
	var m wire.MessageSetup
	if err := wire.Unmarshal(wire.Setup, body, &m); err != nil {
		return err
	}
	s.name, s.limit = m.Name, m.Limit
	if Tamper != nil {
		s.limit = 0 // something may be wanted to happen when it is told to leave
	}
	hello := wire.MessageHello{
		Version: wire.Version, Language: "go", Fingerprint: s.Fingerprint,
		Window: 1 << 16, Fenced: true, Dumps: true, Codecs: []string{"cbor"},
	}
	for _, t := range s.Tasks {
		hello.Tasks = append(hello.Tasks, t.Name)
	}
	for _, i := range s.Initializers {
		hello.Initializers = append(hello.Initializers, i.Name)
	}
	if err := s.send(wire.Hello, &hello); err != nil {
		return err
	}
	s.unfit = true // also if the initializer takes this goroutine with it
	if failure := s.initialize(&m); failure != nil {
		if err := s.send(wire.Failed, failure); err != nil {
			return err
		}
		return nil // the pool lets go of us
	}
	s.unfit = false
	return s.publish(wire.AppendFrame(nil, wire.Header{Type: wire.Ready}, nil))
}

func (s *server) initialize(m *wire.MessageSetup) *wire.MessageError {
	if m.Fingerprint != "" && m.Fingerprint != s.Fingerprint {
		return &wire.MessageError{Kind: wire.KindUnknown, Message: "the worker's program or its task names differ from the pool's: " +
			"call Define in package-level variables only, and start workers from the same build"}
	}
	if m.Initializer == "" {
		return nil
	}
	for _, i := range s.Initializers {
		if i.Name == m.Initializer {
			return s.runInitializer(i, m.Arg)
		}
	}
	return &wire.MessageError{Kind: wire.KindUnknown, Message: fmt.Sprintf("the worker has no initializer %q", m.Initializer)}
}

func (s *server) runInitializer(i Initializer, arg []byte) (failure *wire.MessageError) {
	returned := false
	defer func() {
		if returned {
			return
		}
		v := recover()
		failure = abnormal(v)
		if v == nil { // runtime.Goexit: this goroutine ends before initialize returns
			s.send(wire.Failed, failure)
		}
	}()
	cleanup, err := i.Run(context.Background(), arg)
	returned = true
	s.cleanup = cleanup
	if err != nil {
		m := s.Describe(err)
		return &m
	}
	return nil
}

// abnormal describes a function that neither returned nor failed: it panicked with v, or called runtime.Goexit.
func abnormal(v any) *wire.MessageError {
	m := &wire.MessageError{Kind: wire.KindPanic, Stack: string(debug.Stack())}
	switch v := v.(type) {
	case nil:
		m.Type, m.Message = "goexit", "the function called runtime.Goexit"
	case error:
		m.Type, m.Message = fmt.Sprintf("%T", v), v.Error()
	default:
		m.Type, m.Message = fmt.Sprintf("%T", v), fmt.Sprint(v)
	}
	return m
}

func (s *server) send(t wire.Type, message any) error {
	return s.publish(wire.AppendFrame(nil, wire.Header{Type: t}, wire.Marshal(message)))
}
