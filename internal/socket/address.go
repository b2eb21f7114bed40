package socket

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sizeofName is the room for a socket address of either family.
const sizeofName = uint32(unsafe.Sizeof(unix.RawSockaddrInet6{}))

// encodeName writes a socket address of the address's own family. The larger
// IPv6 layout serves both, so that batches need one array.
func encodeName(name *unix.RawSockaddrInet6, addr netip.Addr, port uint16, scope uint32) (size uint32) {
	*name = unix.RawSockaddrInet6{}
	if addr.Is4() {
		four := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		four.Family = unix.AF_INET
		four.Addr = addr.As4()
		binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&four.Port))[:], port)
		return uint32(unsafe.Sizeof(*four))
	}
	name.Family = unix.AF_INET6
	name.Addr = addr.As16()
	name.Scope_id = scope
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&name.Port))[:], port)
	return sizeofName
}

// decodeName reads a socket address that the kernel has written. An unknown
// family, as of an unnamed sender, gives an invalid address.
func decodeName(name *unix.RawSockaddrInet6) (addr netip.Addr, port uint16, scope uint32) {
	port = binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&name.Port))[:])
	switch name.Family {
	case unix.AF_INET:
		return netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(name)).Addr), port, 0
	case unix.AF_INET6:
		return netip.AddrFrom16(name.Addr).Unmap(), port, name.Scope_id
	default:
		return netip.Addr{}, 0, 0
	}
}

// zones maps the zones of link-local destinations to interface numbers and
// back, so that an answer bears the zone that its probe was given.
type zones struct {
	number map[string]uint32
	name   map[uint32]string
}

// scope returns the interface number of an address's zone, 0 without one.
func (z *zones) scope(addr netip.Addr) (uint32, syscall.Errno) {
	zone := addr.Zone()
	if zone == "" {
		return 0, 0
	}
	if number, ok := z.number[zone]; ok {
		return number, 0
	}
	var number uint32
	if device, err := net.InterfaceByName(zone); err == nil {
		number = uint32(device.Index)
	} else if parsed, err := strconv.ParseUint(zone, 10, 31); err == nil && parsed > 0 {
		number = uint32(parsed)
	} else {
		return 0, unix.ENODEV
	}
	if z.number == nil {
		z.number, z.name = make(map[string]uint32), make(map[uint32]string)
	}
	z.number[zone], z.name[number] = number, zone
	return number, 0
}

// restore gives a link-local address the zone that probes have used for the interface.
func (z *zones) restore(addr netip.Addr, scope uint32) netip.Addr {
	if scope == 0 || !addr.Is6() || !addr.IsLinkLocalUnicast() {
		return addr
	}
	return addr.WithZone(z.name[scope])
}
