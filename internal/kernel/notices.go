package kernel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"netsonde"
)

// notices is where the kernel tells of changes of its interfaces (rtnetlink(7)):
// of a lost carrier at once, or a second after the last that it told of.
type notices struct{ conn *netlink.Conn }

func openNotices() (*notices, error) {
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, &netlink.Config{Groups: unix.RTMGRP_LINK})
	if err != nil {
		return nil, fmt.Errorf("open notices of interfaces: %w", err)
	}
	return &notices{conn}, nil
}

// follow calls changed for each notice that is news compared with the latest
// look, until ctx ends.
func (n *notices) follow(ctx context.Context, latest func() *netsonde.Drops, changed func()) error {
	defer context.AfterFunc(ctx, func() { _ = n.conn.SetReadDeadline(time.Unix(1, 0)) })()
	for {
		messages, err := n.conn.Receive()
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, unix.ENOBUFS): // some are missing
			changed()
		case err != nil:
			return fmt.Errorf("read notices of interfaces: %w", err)
		}
		for i := range messages {
			if isNews(&messages[i], latest()) {
				changed()
				break
			}
		}
	}
}

// isNews reports whether a notice tells another state of an interface than a look.
func isNews(message *netlink.Message, latest *netsonde.Drops) bool {
	is, err := parseLink(message.Data)
	if err != nil {
		return true
	}
	was := latest.Interface(is.Index)
	if message.Header.Type == unix.RTM_DELLINK {
		return was != nil
	}
	return was == nil || was.Up != is.Up || was.Carrier != is.Carrier || was.CarrierChanges != is.CarrierChanges
}

func (n *notices) close() error {
	if err := n.conn.Close(); err != nil {
		return fmt.Errorf("close notices of interfaces: %w", err)
	}
	return nil
}
