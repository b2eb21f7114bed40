package packet

import "errors"

// Why something that arrived is not taken. All are returned as they are, so
// that a flood of rubbish allocates nothing; whoever reads packets drops what
// they stand for, and may count it.
var (
	// ErrNotReply is a sound packet that answers no probe: an echo request,
	// ours on the loopback included, a redirect, a router advertisement, an
	// error that quotes another protocol or a later fragment.
	ErrNotReply = errors.New("packet answers no probe")
	// ErrTruncated ends before what its own lengths promise, or before what
	// every packet of its kind must hold.
	ErrTruncated = errors.New("packet is truncated")
	// ErrMalformed has a version or a length that cannot be.
	ErrMalformed = errors.New("packet is malformed")
	// ErrChecksum was corrupted on the way.
	ErrChecksum = errors.New("packet has a wrong checksum")
)
