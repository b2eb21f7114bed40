package check

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"time"

	"netsonde"
)

// datagramLimit is the longest answer that is read over UDP, in bytes. A
// server that is asked without EDNS sends 512 (RFC 1035, section 4.2.1).
const datagramLimit = 4096

// checkDNS asks a name server its question over UDP, and again over TCP if the
// answer did not fit (RFC 7766, section 5). The question has no EDNS, which old
// servers refuse, and is asked once: a lost datagram shows, where a resolver
// would ask again.
//
// Any answer to the question is open, whatever its response code, unless a
// certain answer is wanted. A truncated answer counts when TCP gives no better
// one; the reason says why it did not.
func (c *Checker) checkDNS(ctx context.Context, x *exchange) {
	q, err := newQuery(&x.asked)
	if err != nil {
		x.service.Reason = truncate(err.Error())
		return
	}
	// Nothing is sent to connect a UDP socket: the check starts here.
	x.service.Started = time.Now()
	x.service.Phases.Connect = 0
	x.phase = x.service.Started
	found, err := x.answerTo(q)
	if err != nil {
		x.service.State, x.service.Reason = datagramFailure(ctx, err)
		return
	}
	truncated := ""
	if found.truncated {
		if whole, err := c.askAgain(ctx, x, q); err == nil {
			found = whole
		} else {
			_, why := conversationFailure(ctx, err, false)
			truncated = "answer is truncated, and over TCP: " + why
		}
	}
	x.service.State = netsonde.ServiceOpen
	x.service.Code = found.code
	x.service.Answers = found.texts
	switch {
	case x.asked.Answer != "" && !found.wanted:
		x.refuse(found.String() + ", wanted " + x.asked.Answer)
	case truncated != "":
		x.service.Reason = truncate(truncated)
	case found.code != 0:
		x.service.Reason = codeName(found.code)
	}
}

// answerTo sends the question in a datagram and waits for the answer to it.
// Other datagrams may be forged and do not end the wait, but if nothing better
// comes they are the reason.
func (x *exchange) answerTo(q *query) (answer, error) {
	if _, err := x.conn.Write(q.message); err != nil {
		// Nothing that could come back as an error was sent before.
		return answer{}, unsentError{err}
	}
	buffer := make([]byte, datagramLimit)
	var unfit error
	for {
		n, err := x.conn.Read(buffer)
		if err != nil {
			if unfit != nil && (isTimeout(err) || errors.Is(err, errTooMuch)) {
				err = unfit
			}
			return answer{}, err
		}
		found, err := q.read(buffer[:n])
		if err == nil {
			x.service.Phases.FirstByte = x.endPhase()
			x.service.RTT = x.phase.Sub(x.service.Started)
			return found, nil
		}
		unfit = err
	}
}

// datagramFailure says what it means that no answer came.
func datagramFailure(ctx context.Context, err error) (netsonde.ServiceState, string) {
	if errors.Is(err, errNotDNS) || errors.Is(err, errOtherQuestion) {
		return conversationFailure(ctx, err, true)
	}
	return connectFailure(ctx, err)
}

// askAgain asks over TCP, where a message follows its length (RFC 1035,
// section 4.2.2). What both connections read together is limited.
func (c *Checker) askAgain(ctx context.Context, x *exchange, q *query) (answer, error) {
	conn, err := c.dial(ctx, x.source, netip.AddrPortFrom(x.service.Addr, x.service.Port))
	if err != nil {
		return answer{}, err
	}
	defer conn.Close()
	defer endWith(ctx, conn)()
	framed := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(q.message)), uint16(len(q.message)))
	if _, err := conn.Write(append(framed, q.message...)); err != nil {
		return answer{}, err
	}
	limited := &limitedConn{Conn: conn, left: x.transport.left}
	var length [2]byte
	if _, err := io.ReadFull(limited, length[:]); err != nil {
		return answer{}, err
	}
	message, err := io.ReadAll(io.LimitReader(limited, int64(binary.BigEndian.Uint16(length[:]))))
	if err != nil {
		return answer{}, err
	}
	return q.read(message)
}
