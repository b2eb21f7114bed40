package socket

import (
	"fmt"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// blockSize is the number of ICMP identities of a connection. Blocks are
// aligned, so that a mask tells ours from others'.
const (
	blockSize = 16
	blockMask = 0xffff &^ (blockSize - 1)
)

// acceptAll is a snapshot length above any packet's.
const acceptAll = 0x40000

// ICMP message types, protocol and header numbers that the filters look at
// (RFC 792, RFC 4443, RFC 8200 section 4).
const (
	icmp4EchoReply    = 0
	icmp4Unreachable  = 3
	icmp4TimeExceeded = 11
	icmp4Parameter    = 12

	icmp6Unreachable  = 1
	icmp6TooBig       = 2
	icmp6TimeExceeded = 3
	icmp6Parameter    = 4
	icmp6EchoReply    = 129

	protocolICMP4 = 1
	protocolTCP   = 6
	protocolUDP   = 17
	protocolICMP6 = 58

	headerHopByHop    = 0
	headerRouting     = 43
	headerFragment    = 44
	headerDestination = 60
)

// errorHeader is the length of an ICMP error before the quoted datagram;
// identifierOffset is where the identifier stands in an echo.
const (
	errorHeader      = 8
	identifierOffset = 4
	header6          = 40
)

// The flags of a TCP header and where they stand (RFC 9293, section 3.1).
const (
	flagsOffset = 13

	flagSYN = 0x02
	flagRST = 0x04
	flagACK = 0x10
)

// dropAll is the filter of sockets that only send or only hold a port.
func dropAll() []bpf.Instruction { return []bpf.Instruction{bpf.RetConstant{Val: 0}} }

// filter4 keeps echo replies to the block of identities and ICMP errors that
// quote an echo of the block, or a datagram or a SYN from one of the ports. A raw IPv4
// socket's filter sees the IP header. Loads beyond the packet drop it.
func filter4(block uint16, ports []uint16) []bpf.Instruction {
	program := []bpf.Instruction{
		bpf.LoadMemShift{Off: 0}, // X = length of the IP header
		bpf.LoadIndirect{Off: 0, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: icmp4EchoReply, SkipTrue: 5},
		bpf.LoadIndirect{Off: identifierOffset, Size: 2},
	}
	program = append(program, keepBlock(block)...)
	program = append(program,
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: icmp4Unreachable, SkipTrue: 3},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: icmp4TimeExceeded, SkipTrue: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: icmp4Parameter, SkipTrue: 1},
		bpf.RetConstant{Val: 0},

		bpf.LoadIndirect{Off: errorHeader + 9, Size: 1}, // the quoted protocol
		bpf.StoreScratch{Src: bpf.RegA, N: 0},
		bpf.LoadIndirect{Off: errorHeader, Size: 1},
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xf},
		bpf.ALUOpConstant{Op: bpf.ALUOpShiftLeft, Val: 2},
		bpf.ALUOpX{Op: bpf.ALUOpAdd},
		bpf.TAX{}, // X = lengths of both IP headers
		bpf.LoadScratch{Dst: bpf.RegA, N: 0},

		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: protocolICMP4, SkipTrue: 5},
		bpf.LoadIndirect{Off: errorHeader + identifierOffset, Size: 2},
	)
	program = append(program, keepBlock(block)...)
	program = append(program,
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: protocolUDP, SkipTrue: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: protocolTCP, SkipTrue: 1},
		bpf.RetConstant{Val: 0},
		bpf.LoadIndirect{Off: errorHeader, Size: 2},
	)
	return append(program, keepPorts(ports)...)
}

// filter6 is filter4 for raw ICMPv6 sockets, whose filter starts at the ICMPv6
// header. A quoted datagram with extension headers is kept: what lies behind
// them is found when it is parsed.
func filter6(block uint16, ports []uint16) []bpf.Instruction {
	program := []bpf.Instruction{
		bpf.LoadAbsolute{Off: 0, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: icmp6EchoReply, SkipTrue: 5},
		bpf.LoadAbsolute{Off: identifierOffset, Size: 2},
	}
	program = append(program, keepBlock(block)...)
	program = append(program,
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: icmp6Unreachable, SkipTrue: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: icmp6TooBig, SkipTrue: 3},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: icmp6TimeExceeded, SkipTrue: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: icmp6Parameter, SkipTrue: 1},
		bpf.RetConstant{Val: 0},

		bpf.LoadAbsolute{Off: errorHeader + 6, Size: 1}, // the quoted next header
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: protocolICMP6, SkipTrue: 5},
		bpf.LoadAbsolute{Off: errorHeader + header6 + identifierOffset, Size: 2},
	)
	program = append(program, keepBlock(block)...)
	program = append(program,
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: protocolUDP, SkipTrue: 7},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: protocolTCP, SkipTrue: 6},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: headerHopByHop, SkipTrue: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: headerRouting, SkipTrue: 3},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: headerFragment, SkipTrue: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: headerDestination, SkipTrue: 1},
		bpf.RetConstant{Val: 0},
		bpf.RetConstant{Val: acceptAll},
		bpf.LoadAbsolute{Off: errorHeader + header6, Size: 2},
	)
	return append(program, keepPorts(ports)...)
}

// filterTCP keeps the segments to one of the ports that accept or refuse a SYN
// (RFC 9293, section 3.5): SYN with ACK, RST with ACK.
func filterTCP(six bool, ports []uint16) []bpf.Instruction {
	program := []bpf.Instruction{bpf.LoadMemShift{Off: 0}} // X = length of the IP header
	if six {
		program[0] = bpf.LoadConstant{Dst: bpf.RegX, Val: 0} // no header is there
	}
	program = append(program,
		bpf.LoadIndirect{Off: flagsOffset, Size: 1},
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: flagSYN | flagRST | flagACK},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: flagSYN | flagACK, SkipTrue: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: flagRST | flagACK, SkipTrue: 1},
		bpf.RetConstant{Val: 0},
		bpf.LoadIndirect{Off: 2, Size: 2}, // the destination port
	)
	return append(program, keepPorts(ports)...)
}

// keepBlock ends a program by whether A is an identity of the block. Jumps
// over it and the load before it skip five instructions.
func keepBlock(block uint16) []bpf.Instruction {
	return []bpf.Instruction{
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: blockMask},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(block), SkipTrue: 1},
		bpf.RetConstant{Val: acceptAll},
		bpf.RetConstant{Val: 0},
	}
}

// keepPorts ends a program by whether A is one of the ports.
func keepPorts(ports []uint16) []bpf.Instruction {
	var program []bpf.Instruction
	for i, port := range ports {
		program = append(program, bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(port), SkipTrue: uint8(len(ports) - i)})
	}
	return append(program, bpf.RetConstant{Val: 0}, bpf.RetConstant{Val: acceptAll})
}

// attach makes the kernel filter what a socket receives from now on.
func attach(fd int, program []bpf.Instruction) error {
	assembled, err := bpf.Assemble(program)
	if err != nil {
		return fmt.Errorf("packet filter: %w", err)
	}
	filter := make([]unix.SockFilter, len(assembled))
	for i, instruction := range assembled {
		filter[i] = unix.SockFilter{Code: instruction.Op, Jt: instruction.Jt, Jf: instruction.Jf, K: instruction.K}
	}
	err = unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
	if err != nil {
		return fmt.Errorf("packet filter: %w", err)
	}
	return nil
}
