package kernel

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"netsonde"
)

// softnetPath is that of the thread that opens it, as network namespaces are.
const softnetPath = "/proc/thread-self/net/softnet_stat"

// counters reads what the kernel counts. Its methods are for one goroutine.
type counters struct {
	conn *netlink.Conn
	// softnet is nil where the file cannot be read.
	softnet *os.File
	text    []byte
	// behind tells that answers may come to a request that was given up.
	behind bool
}

func openCounters() (*counters, error) {
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		return nil, fmt.Errorf("open kernel counters: %w", err)
	}
	c := &counters{conn: conn}
	if file, err := os.Open(softnetPath); err == nil {
		c.softnet = file
	}
	return c, nil
}

// read takes a look. It waits while the kernel's configuration of interfaces is
// locked, which may be long. Began, Ended and Outages are left to the caller.
func (c *counters) read() (*netsonde.Drops, error) {
	d := &netsonde.Drops{}
	if c.behind {
		if err := c.catchUp(); err != nil {
			return nil, err
		}
	}
	links, err := c.dump(unix.RTM_GETLINK, unix.SizeofIfInfomsg)
	if err != nil {
		return nil, err
	}
	for _, message := range links {
		of, err := parseLink(message.Data)
		if err != nil {
			return nil, err
		}
		d.Interfaces = append(d.Interfaces, of)
	}
	slices.SortFunc(d.Interfaces, func(a, b netsonde.InterfaceDrops) int { return cmp.Compare(a.Index, b.Index) })
	if len(d.Interfaces) == 0 {
		c.behind = true // it was the end of another answer
		return nil, errors.New("read kernel counters: the kernel tells of no interface, not even its loopback")
	}
	messages, err := c.dump(unix.RTM_GETQDISC, tcMessageSize)
	switch {
	case errors.Is(err, unix.EOPNOTSUPP): // a kernel without queues
	case err != nil: // without them counters would seem to have been set to 0
		return nil, err
	default:
		var queues []queue
		for _, message := range messages {
			q, ok, err := parseQueue(message.Data)
			if err != nil {
				return nil, err
			}
			if ok {
				queues = append(queues, q)
			}
		}
		for index, dropped := range droppedOf(queues) {
			if of := d.Interface(index); of != nil {
				of.QueueDropped = dropped
			}
		}
	}
	if d.Backlog, err = c.backlog(); err != nil {
		return nil, err
	}
	return d, nil
}

// answerTimeout bounds how long an answer is waited for once the kernel has taken the
// request. It takes none while somebody configures its interfaces, and makes no part
// of an answer; that wait nothing can end.
const answerTimeout = 2 * time.Second

// send sends a request and begins to wait for its answer.
func (c *counters) send(request netlink.Message) (sent netlink.Message, err error) {
	if sent, err = c.conn.Send(request); err != nil {
		return sent, err
	}
	return sent, c.conn.SetReadDeadline(time.Now().Add(answerTimeout))
}

// dump asks for all entries of a kind, by a request with an empty header.
func (c *counters) dump(kind uint16, header int) ([]netlink.Message, error) {
	sent, err := c.send(dumpRequest(kind, header))
	if err != nil {
		return nil, fmt.Errorf("read kernel counters: %w", err)
	}
	messages, err := c.conn.Receive()
	if err == nil {
		err = netlink.Validate(sent, messages)
	}
	if err != nil {
		c.behind = !errors.Is(err, unix.EOPNOTSUPP)
		return nil, fmt.Errorf("read kernel counters: %w", err)
	}
	return messages, nil
}

// catchUp throws away what answers a request that was given up. Each such answer
// would be taken for the one to the next request, for ever. The kernel takes
// requests in order: when it acknowledges one that asks for nothing, it has begun to
// answer all before it. The rest of a long answer comes behind the acknowledgement,
// and Receive does not end within an answer.
func (c *counters) catchUp() error {
	last, err := c.send(netlink.Message{
		Header: netlink.Header{Type: netlink.Noop, Flags: netlink.Request | netlink.Acknowledge},
	})
	for err == nil {
		var messages []netlink.Message
		messages, err = c.conn.Receive()
		for i := range messages {
			if messages[i].Header.Sequence == last.Header.Sequence {
				c.behind = false
				return nil
			}
		}
		if told := (*netlink.OpError)(nil); errors.As(err, &told) && told.Sequence != 0 {
			err = nil // the kernel's answer to what was given up
		}
	}
	return fmt.Errorf("read kernel counters: %w", err)
}

func dumpRequest(kind uint16, header int) netlink.Message {
	return netlink.Message{
		Header: netlink.Header{Type: netlink.HeaderType(kind), Flags: netlink.Request | netlink.Dump},
		Data:   make([]byte, header),
	}
}

// backlog is 0 where the kernel does not tell.
func (c *counters) backlog() (uint64, error) {
	if c.softnet == nil {
		return 0, nil
	}
	c.text = c.text[:0]
	for {
		c.text = slices.Grow(c.text, 4096)
		n, err := c.softnet.ReadAt(c.text[len(c.text):cap(c.text)], int64(len(c.text)))
		c.text = c.text[:len(c.text)+n]
		switch {
		case errors.Is(err, io.EOF):
			return parseSoftnet(c.text)
		case err != nil:
			return 0, fmt.Errorf("read backlog counters: %w", err)
		}
	}
}

func (c *counters) close() error {
	err := c.conn.Close()
	if c.softnet != nil {
		err = errors.Join(err, c.softnet.Close())
	}
	if err != nil {
		return fmt.Errorf("close kernel counters: %w", err)
	}
	return nil
}
