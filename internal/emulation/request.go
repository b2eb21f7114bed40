package emulation

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"netsonde/internal/topology"
)

const (
	// messageLimit is the most bytes of a request, and of an answer.
	messageLimit = 4 << 20
	// answerTime bounds how long either side waits for the other.
	answerTime = 20 * time.Second
)

// verb is what a request asks for.
type verb string

const (
	verbStatus verb = "status"
	verbFault  verb = "fault"
	verbDraw   verb = "draw"
	verbEnter  verb = "enter"
	verbDown   verb = "down"
)

// request is one line of JSON to the process that holds a lab.
type request struct {
	Verb  verb            `json:"verb"`
	Fault *topology.Fault `json:"fault,omitempty"`
	// Node is the one to enter, Drawing the form of a drawing.
	Node    string `json:"node,omitempty"`
	Drawing string `json:"drawing,omitempty"`
}

// answer is one line of JSON back. That to verbEnter brings the namespaces:
// network, mount, process.
type answer struct {
	Error   string  `json:"error,omitempty"`
	Status  *Status `json:"status,omitempty"`
	Drawing string  `json:"drawing,omitempty"`
}

// Status is how a lab is.
type Status struct {
	Schema  int           `json:"schema"`
	Type    string        `json:"type"`
	Name    string        `json:"name"`
	Elapsed time.Duration `json:"elapsed_ns"`
	Nodes   []NodeStatus  `json:"nodes"`
	Links   []LinkStatus  `json:"links"`
	// Unreachable are the pairs of nodes, both running, between which pings
	// are not answered, by the graph.
	Unreachable int `json:"unreachable_pairs"`
	// Notes are what happened last.
	Notes []Note `json:"notes"`
}

// NodeStatus is how a node is.
type NodeStatus struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	// Station says that the node comes and goes, as the ground's do.
	Station bool `json:"station"`
	Stopped bool `json:"stopped"`
}

// LinkStatus is how a link is; State is "up", "down" or "out of view".
type LinkStatus struct {
	A     string           `json:"a"`
	B     string           `json:"b"`
	State string           `json:"state"`
	Forth topology.Effects `json:"forth"`
	Back  topology.Effects `json:"back"`
}

// status tells how the emulation is.
func (e *Emulation) status(name string) *Status {
	state := e.State()
	s := &Status{Schema: 1, Type: "lab", Name: name, Elapsed: e.Elapsed(), Notes: e.Notes()}
	paths := state.Paths()
	for i, n := range e.plan.Nodes {
		s.Nodes = append(s.Nodes, NodeStatus{Name: n.Name, Address: n.Address.String(), Station: n.Station, Stopped: state.Stopped(i)})
		for to := range i {
			if !state.Stopped(i) && !state.Stopped(to) && !paths.Answers(i, to) {
				s.Unreachable++
			}
		}
	}
	for i, l := range e.plan.Links {
		link := LinkStatus{A: l.A, B: l.B, State: "up", Forth: state.Link(i).Forth, Back: state.Link(i).Back}
		switch {
		case state.Link(i).Away:
			link.State = "out of view"
		case !state.Up(i):
			link.State = "down"
		}
		s.Links = append(s.Links, link)
	}
	return s
}

// send writes one message with files, which stay the caller's.
func send(connection *net.UnixConn, message any, files ...*os.File) error {
	text, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("write a message: %w", err)
	}
	text = append(text, '\n')
	var rights []byte
	if len(files) > 0 {
		numbers := make([]int, len(files))
		for i, f := range files {
			numbers[i] = int(f.Fd())
		}
		rights = unix.UnixRights(numbers...)
	}
	// The files travel with the first bytes.
	n, _, err := connection.WriteMsgUnix(text, rights, nil)
	for err == nil && n < len(text) {
		var more int
		more, err = connection.Write(text[n:])
		n += more
	}
	if err != nil {
		return fmt.Errorf("write a message: %w", err)
	}
	return nil
}

// receive reads one message, and the files that came with it.
func receive(connection *net.UnixConn, message any) (files []*os.File, err error) {
	defer func() {
		if err != nil {
			closeAll(files)
			files = nil
		}
	}()
	var text []byte
	buffer, rights := make([]byte, 64<<10), make([]byte, unix.CmsgSpace(4*8))
	for len(text) == 0 || text[len(text)-1] != '\n' {
		n, control, _, _, err := connection.ReadMsgUnix(buffer, rights)
		if err != nil {
			return files, fmt.Errorf("read a message: %w", err)
		}
		received, err := parseRights(rights[:control])
		files = append(files, received...)
		if err != nil {
			return files, fmt.Errorf("read a message: %w", err)
		}
		if n == 0 && len(text) == 0 {
			return files, fmt.Errorf("read a message: %w", unix.ECONNRESET)
		}
		if n == 0 {
			return files, errors.New("read a message: it ends in the middle")
		}
		text = append(text, buffer[:n]...)
		if len(text) > messageLimit {
			return files, fmt.Errorf("read a message: it is longer than %d bytes", messageLimit)
		}
	}
	if err := json.Unmarshal(text, message); err != nil {
		return files, fmt.Errorf("read a message: %w", err)
	}
	return files, nil
}

func parseRights(control []byte) (files []*os.File, err error) {
	if len(control) == 0 {
		return nil, nil
	}
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return nil, err
	}
	for i := range messages {
		numbers, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			return files, err
		}
		for _, number := range numbers {
			unix.CloseOnExec(number)
			files = append(files, os.NewFile(uintptr(number), "namespace"))
		}
	}
	return files, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		// They were only read from.
		_ = f.Close()
	}
}
