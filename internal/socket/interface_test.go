package socket_test

import (
	"netsonde/internal/agent"
	"netsonde/internal/socket"
)

var _ agent.Connection = (*socket.Connection)(nil)
