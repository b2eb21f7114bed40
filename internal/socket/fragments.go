package socket

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// smallestMTU is what every IPv6 path takes (RFC 8200, section 5).
const smallestMTU = 1280

// fragmentOption is one socket option and its values for probes that may be
// cut and for those that may not.
type fragmentOption struct{ option, cut, whole int }

// fragmentOptions let routers cut large IPv4 probes, and have this machine cut
// IPv6 ones that are too large for its own link into fragments that every path
// takes. Path MTU discovery would lose the first probes of a narrow path, which
// is no loss of the path's. IPv6 probes that fit our link leave whole, whatever
// is set: a narrower path tells those as too big until the kernel has learnt it.
//
// A probe that may not be cut leaves whatever the kernel has learnt of the path
// (PROBE, not DO): so each is answered by the path itself, and not only the
// first. One that does not fit our own link gets EMSGSIZE.
func fragmentOptions(six bool) []fragmentOption {
	if !six {
		return []fragmentOption{{unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DONT, unix.IP_PMTUDISC_PROBE}}
	}
	return []fragmentOption{
		{unix.IPV6_MTU, smallestMTU, 0},
		{unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_WANT, unix.IPV6_PMTUDISC_PROBE},
		{unix.IPV6_DONTFRAG, 0, 1},
	}
}

// setFragments says whether what is sent from now on may not be cut.
func (d *datagram) setFragments(whole bool) error {
	level := unix.SOL_IP
	if d.six {
		level = unix.SOL_IPV6
	}
	for _, o := range fragmentOptions(d.six) {
		value := o.cut
		if whole {
			value = o.whole
		}
		if err := unix.SetsockoptInt(d.fd, level, o.option, value); err != nil {
			return fmt.Errorf("fragments: %w", err)
		}
	}
	d.whole = whole
	return nil
}

// keepWhole is setFragments for the probes of one batch: most often the socket
// is as they want it.
func (d *datagram) keepWhole(whole bool) syscall.Errno {
	if d.whole == whole || d.headed {
		return 0
	}
	if d.setFragments(whole) != nil {
		return unix.EOPNOTSUPP
	}
	return 0
}
