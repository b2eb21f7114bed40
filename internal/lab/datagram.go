package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// datagramLimit is the longest datagram that a server takes, in bytes.
const datagramLimit = 4096

// DatagramServer answers a datagram; nil is no answer. It is called for one
// after the other and must not keep the datagram.
type DatagramServer func(datagram []byte) (answer []byte)

// DatagramService is a server of datagrams at one address of a node.
type DatagramService struct {
	mutex   sync.Mutex
	conn    *net.UDPConn
	running sync.WaitGroup
}

// ServeDatagrams starts a server at a UDP address of the node, as
// "10.0.0.1:53". At "0.0.0.0:53" each answer comes from the address that was
// asked. The server ends with the node.
func (n *Node) ServeDatagrams(address string, serve DatagramServer) *DatagramService {
	s := &DatagramService{}
	n.step("serve datagrams at "+address, func() error {
		config := net.ListenConfig{Control: reportDestination}
		listener, err := config.ListenPacket(context.Background(), "udp", address)
		if err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		conn, ok := listener.(*net.UDPConn)
		if !ok {
			return errors.Join(fmt.Errorf("listen: %T is no UDP socket", listener), listener.Close())
		}
		s.conn = conn
		s.running.Go(func() { answerAll(conn, serve) })
		return nil
	})
	n.closeWith(s)
	return s
}

// Close stops the server: the port is closed. It returns when the server has
// ended. Closing twice is no error.
func (s *DatagramService) Close() error {
	s.mutex.Lock()
	conn := s.conn
	s.conn = nil
	s.mutex.Unlock()
	if conn == nil {
		return nil
	}
	err := conn.Close()
	s.running.Wait()
	return err
}

// reportDestination has the kernel tell for each datagram where it was sent to.
func reportDestination(network, _ string, raw syscall.RawConn) error {
	level, option := unix.IPPROTO_IP, unix.IP_PKTINFO
	if network == "udp6" {
		level, option = unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO
	}
	var failed error
	err := raw.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), level, option, 1) })
	return errors.Join(err, failed)
}

// answerAll serves until the socket is closed.
func answerAll(conn *net.UDPConn, serve DatagramServer) {
	datagram, control := make([]byte, datagramLimit), make([]byte, 128)
	for {
		n, m, _, from, err := conn.ReadMsgUDPAddrPort(datagram, control)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		if answer := serve(datagram[:n]); answer != nil {
			// What tells where a datagram was sent to tells, when sent itself,
			// where to send from (ip(7), IP_PKTINFO). A client that has gone is
			// the client's choice.
			_, _, _ = conn.WriteMsgUDPAddrPort(answer, control[:m], from)
		}
	}
}
