package lab

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// connectionLife bounds how long a server keeps one connection.
const connectionLife = 30 * time.Second

// Server talks to one client and returns when it has nothing more to say; the
// connection is closed then. The connection has a deadline.
type Server func(net.Conn)

// Service is a server at one address of a node.
type Service struct {
	node     *Node
	address  string
	serve    Server
	mutex    sync.Mutex
	listener net.Listener
	open     map[net.Conn]struct{}
	running  sync.WaitGroup
}

// Serve starts a server at an address of the node, as "10.0.0.1:80" or
// "[fd00::1]:80". It ends with the node.
func (n *Node) Serve(address string, serve Server) *Service {
	s := &Service{node: n, address: address, serve: serve, open: map[net.Conn]struct{}{}}
	s.Open()
	n.closeWith(s)
	return s
}

// Open listens again after Close.
func (s *Service) Open() {
	s.node.step("serve "+s.address, func() error {
		// Plain TCP only: some kernels' multipath TCP answers resets differently.
		var config net.ListenConfig
		config.SetMultipathTCP(false)
		listener, err := config.Listen(context.Background(), "tcp", s.address)
		if err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		s.mutex.Lock()
		s.listener = listener
		s.mutex.Unlock()
		s.running.Add(1)
		go func() {
			defer s.running.Done()
			s.accept(listener)
		}()
		return nil
	})
}

// accept serves connections until the listener is closed.
func (s *Service) accept(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		s.mutex.Lock()
		closed := s.listener != listener
		if !closed {
			s.open[connection] = struct{}{}
			s.running.Add(1)
		}
		s.mutex.Unlock()
		if closed {
			connection.Close()
			return
		}
		go s.talk(connection)
	}
}

func (s *Service) talk(connection net.Conn) {
	defer s.running.Done()
	defer func() {
		connection.Close()
		s.mutex.Lock()
		delete(s.open, connection)
		s.mutex.Unlock()
	}()
	if err := connection.SetDeadline(time.Now().Add(connectionLife)); err == nil {
		s.serve(connection)
	}
}

// Close stops listening and cuts all connections: the port is closed. It
// returns when the server has ended. Closing twice is no error.
func (s *Service) Close() error {
	s.mutex.Lock()
	listener := s.listener
	s.listener = nil
	for connection := range s.open {
		connection.Close()
	}
	s.mutex.Unlock()
	var err error
	if listener != nil {
		err = listener.Close()
	}
	s.running.Wait()
	return err
}
