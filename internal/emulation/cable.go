package emulation

import (
	"context"
	"net/netip"

	"netsonde/internal/lab"
	"netsonde/internal/topology"
)

// cable is a link: the kernel's own, or a wire once it has had effects that
// the kernel's cannot have.
type cable struct {
	network            *lab.Network
	a, b               *lab.Node
	addressA, addressB netip.Addr
	seed               uint64

	link *lab.Link
	// wire is nil for the kernel's.
	wire *lab.Wire
	// running says that somebody runs the wire.
	running bool
	// forth and back are what the cable does now, up says that it is.
	forth, back topology.Effects
	up          bool
}

// lay makes the link, up and without effects.
func (c *cable) lay(wire bool) {
	c.up, c.forth, c.back = true, topology.Effects{}, topology.Effects{}
	if !wire {
		c.link = c.network.Link(c.a, c.b)
		return
	}
	c.wire = c.network.Wire(c.a, c.b, c.seed)
	c.link = c.wire.Link
}

// replace puts a wire in the cable's place. Routes through it are gone.
func (c *cable) replace() {
	c.link.Remove()
	c.lay(true)
}

// put pulls the cable out or puts it in.
func (c *cable) put(up bool) {
	if up == c.up {
		return
	}
	c.up = up
	if !up {
		c.link.Down()
		return
	}
	c.link.Up()
	if c.wire == nil {
		// The kernel has forgotten.
		forth, back := c.forth, c.back
		c.forth, c.back = topology.Effects{}, topology.Effects{}
		c.affect(forth, back)
	}
}

// affect sets the effects in both directions. Without a wire a direction has
// all or nothing.
func (c *cable) affect(forth, back topology.Effects) {
	if c.wire != nil {
		c.wire.Forth(lab.Effects{Delay: forth.Delay, Jitter: forth.Jitter, Loss: forth.Loss})
		c.wire.Back(lab.Effects{Delay: back.Delay, Jitter: back.Jitter, Loss: back.Loss})
	} else if c.up {
		if forth != c.forth {
			c.link.Blind(c.a, c.addressB, forth.Loss > 0)
		}
		if back != c.back {
			c.link.Blind(c.b, c.addressA, back.Loss > 0)
		}
	}
	c.forth, c.back = forth, back
}

// run carries the wire's packets until ctx ends.
func (c *cable) run(ctx context.Context) error { return c.wire.Run(ctx) }
