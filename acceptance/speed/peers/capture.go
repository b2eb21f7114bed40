package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"netsonde/internal/lab"
)

const (
	// pcapNanoseconds is the magic number of captures with nanoseconds
	// (draft-ietf-opsawg-pcap, section 4).
	pcapNanoseconds = 0xa1b23c4d
	pcapHeader      = 24
	pcapRecord      = 16
	// snapLength is how much of each packet is kept: Ethernet, IPv4 and the
	// header of an echo.
	snapLength = 64
	ethernet   = 14
	// echoHeader is type, code, checksum, identifier and sequence (RFC 792).
	echoHeader = 8

	echoReply   = 0
	echoRequest = 8
)

// capture is tcpdump at one interface of a node.
type capture struct {
	command *exec.Cmd
	path    string
	settle  time.Duration
}

// startCapture returns when packets are being kept.
func (b *bench) startCapture(node *lab.Node, device string) (*capture, error) {
	c := &capture{path: filepath.Join(b.directory, "capture"), settle: settle}
	arguments := []string{"-i", device, "-n", "-s", fmt.Sprint(snapLength), "-B", "65536",
		"-j", "host", "--time-stamp-precision=nano", "-Z", "root", "-w", c.path}
	if b.small {
		// Waking for every packet would spoil what is measured.
		arguments = append(arguments, "--immediate-mode")
		c.settle /= 10
	}
	c.command = exec.CommandContext(b.ctx, "tcpdump", append(arguments, "icmp")...)
	log, err := c.command.StderrPipe()
	if err != nil {
		return nil, fmt.Errorf("tcpdump: %w", err)
	}
	if err := node.Start(c.command); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "listening on") {
			return c, nil
		}
	}
	return nil, fmt.Errorf("tcpdump does not listen: %w", c.command.Wait())
}

// settle is how long tcpdump is given to take the last packets: the kernel
// hands them over in blocks, at least once a second.
const settle = 1100 * time.Millisecond

// end returns the echoes that were kept.
func (c *capture) end() (*echoes, error) {
	time.Sleep(c.settle)
	if err := c.command.Process.Signal(syscall.SIGINT); err != nil {
		return nil, fmt.Errorf("end tcpdump: %w", err)
	}
	if err := c.command.Wait(); err != nil {
		return nil, fmt.Errorf("tcpdump: %w", err)
	}
	file, err := os.Open(c.path)
	if err != nil {
		return nil, fmt.Errorf("the capture: %w", err)
	}
	defer file.Close()
	return readCapture(bufio.NewReaderSize(file, 1<<20))
}

// echo names one request and its answer.
type echo struct {
	destination          netip.Addr
	identifier, sequence uint16
}

// echoes are those of a capture, by destination in the order of the requests.
type echoes struct {
	order    map[netip.Addr][]echo
	requests map[echo]int64
	replies  map[echo]int64
}

// roundTrip is the time from the request to the answer as the capture saw it.
func (e *echoes) roundTrip(which echo) (time.Duration, bool) {
	request, asked := e.requests[which]
	reply, answered := e.replies[which]
	return time.Duration(reply - request), asked && answered
}

// readCapture reads a file of tcpdump with nanoseconds, of Ethernet.
func readCapture(file io.Reader) (*echoes, error) {
	header := make([]byte, pcapHeader)
	if _, err := io.ReadFull(file, header); err != nil {
		return nil, fmt.Errorf("the capture's header: %w", err)
	}
	if binary.NativeEndian.Uint32(header) != pcapNanoseconds {
		return nil, errors.New("the capture has no nanoseconds")
	}
	e := &echoes{order: map[netip.Addr][]echo{}, requests: map[echo]int64{}, replies: map[echo]int64{}}
	record, data := make([]byte, pcapRecord), make([]byte, snapLength)
	for {
		if _, err := io.ReadFull(file, record); errors.Is(err, io.EOF) {
			return e, nil
		} else if err != nil {
			return nil, fmt.Errorf("a capture's record: %w", err)
		}
		length := binary.NativeEndian.Uint32(record[8:])
		if length > snapLength {
			return nil, fmt.Errorf("a capture's record of %d bytes", length)
		}
		if _, err := io.ReadFull(file, data[:length]); err != nil {
			return nil, fmt.Errorf("a capture's packet: %w", err)
		}
		at := int64(binary.NativeEndian.Uint32(record))*1e9 + int64(binary.NativeEndian.Uint32(record[4:]))
		e.packet(at, data[:length])
	}
}

func (e *echoes) packet(at int64, frame []byte) {
	if len(frame) < ethernet+20 {
		return
	}
	ip := frame[ethernet:]
	length := int(ip[0]&0xf) * 4
	if ip[0]>>4 != 4 || ip[9] != 1 || len(ip) < length+echoHeader {
		return
	}
	source, destination := netip.AddrFrom4([4]byte(ip[12:16])), netip.AddrFrom4([4]byte(ip[16:20]))
	icmp := ip[length:]
	which := echo{identifier: binary.BigEndian.Uint16(icmp[4:]), sequence: binary.BigEndian.Uint16(icmp[6:])}
	switch icmp[0] {
	case echoRequest:
		which.destination = destination
		e.order[destination] = append(e.order[destination], which)
		e.requests[which] = at
	case echoReply:
		which.destination = source
		e.replies[which] = at
	}
}
