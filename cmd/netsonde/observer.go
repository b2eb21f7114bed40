package main

import (
	"time"

	"netsonde/internal/agent"
	"netsonde/internal/kernel"
	"netsonde/internal/socket"
)

// openObserver opens what the kernel counts of its own drops. Without it, which
// is warned of, drops here count as loss. The caller closes and runs it.
func (p *program) openObserver(connection *socket.Connection) *kernel.Observer {
	observer, err := kernel.Open(kernel.Options{
		Now:  func() time.Duration { return connection.Now().Monotonic },
		Warn: p.diagnostics.Warn,
	})
	if err != nil {
		p.diagnostics.Warn("What this machine drops itself is not known: " + err.Error())
		return nil
	}
	return observer
}

// observed is the observer for an agent: nil when there is none.
func observed(observer *kernel.Observer) agent.Observer {
	if observer == nil {
		return nil
	}
	return observer
}
