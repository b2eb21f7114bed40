package lab_test

import (
	"strings"
	"testing"

	"netsonde/internal/lab"
)

// TestImitation needs root, namespaces and /dev/net/tun.
func TestImitation(t *testing.T) {
	requireProgram(t, "ping")
	if err := lab.CanWire(); err != nil {
		lab.Skip(t, err.Error())
	}
	node := lab.ForTest(t).Node("a")
	node.Imitate(func(packet []byte) []byte {
		if packet[0]>>4 != 4 || packet[9] != 1 || packet[20] != 8 {
			return nil
		}
		// An echo becomes its answer: other addresses and another type, and the
		// checksum tells of that.
		for i := range 4 {
			packet[12+i], packet[16+i] = packet[16+i], packet[12+i]
		}
		packet[20] = 0
		checksum := uint32(packet[22])<<8 | uint32(packet[23])
		checksum += 0x800
		checksum = checksum>>16 + checksum&0xffff
		packet[22], packet[23] = byte(checksum>>8), byte(checksum)
		return packet
	}, "10.60.0.1/16")
	text := output(t, node, "ping", "-n", "-c", "3", "-i", "0.01", "-W", "5", "10.60.7.7")
	if !strings.Contains(text, "3 received") {
		t.Error(text)
	}
}
