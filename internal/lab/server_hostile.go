package lab

import (
	"io"
	"net"
	"strings"
	"time"
)

// Say sends bytes as they are and closes.
func Say(bytes string) Server {
	return func(connection net.Conn) {
		// A client that has gone is the client's choice.
		_, _ = io.WriteString(connection, bytes)
	}
}

// Hang takes what comes and never answers.
func Hang(connection net.Conn) { _, _ = io.Copy(io.Discard, connection) }

// Close closes at once.
func Close(net.Conn) {}

// Reset breaks the connection off, so that the client sees ECONNRESET.
func Reset(connection net.Conn) {
	if tcp, ok := connection.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}

// Slow waits before it serves.
func Slow(pause time.Duration, serve Server) Server {
	return func(connection net.Conn) {
		time.Sleep(pause)
		serve(connection)
	}
}

// Drip sends bytes one at a time with a pause after each.
func Drip(pause time.Duration, bytes string) Server {
	return func(connection net.Conn) {
		for i := range len(bytes) {
			if _, err := io.WriteString(connection, bytes[i:i+1]); err != nil {
				return
			}
			time.Sleep(pause)
		}
	}
}

// Endless says a beginning and then the same again and again for as long as
// the client listens, such as header lines without an end.
func Endless(beginning, again string) Server {
	return func(connection net.Conn) {
		_, err := io.WriteString(connection, beginning)
		for block := strings.Repeat(again, 1+4096/len(again)); err == nil; {
			_, err = io.WriteString(connection, block)
		}
	}
}
