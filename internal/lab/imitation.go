package lab

import (
	"fmt"
	"os"
)

// Imitate gives the node an interface with these addresses, as "10.0.0.1/24" or
// "fd00::1/64", behind which there are no machines but a function: it is given
// each IP packet that the node sends there and returns the one that comes back,
// nil for none. So a network may do what no kernel does. The function is called
// for one packet after the other, must not keep it, and ends with the node. It
// needs /dev/net/tun.
func (n *Node) Imitate(answer func(packet []byte) []byte, addresses ...string) {
	const name = "imitation"
	var file *os.File
	n.step("imitate a network", func() error {
		tun, err := openTUN(name)
		if err != nil {
			return err
		}
		file = os.NewFile(uintptr(tun), name)
		i, err := n.link.LinkByName(name)
		if err != nil {
			return fmt.Errorf("interface %s: %w", name, err)
		}
		return n.link.LinkSetUp(i)
	})
	if file == nil {
		return
	}
	n.closeWith(file)
	for _, address := range addresses {
		end{node: n, name: name}.address(address)
	}
	go answerPackets(file, answer)
}

// answerPackets answers until the file is closed, which the node does before it
// ends.
func answerPackets(file *os.File, answer func([]byte) []byte) {
	buffer := make([]byte, largestPacket)
	for {
		count, err := file.Read(buffer)
		if err != nil {
			return
		}
		if back := answer(buffer[:count]); back != nil {
			// What the interface does not take is lost there.
			_, _ = file.Write(back)
		}
	}
}
