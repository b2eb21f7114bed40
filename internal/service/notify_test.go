package service_test

import (
	"context"
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"netsonde/internal/service"
)

// manager is the socket on which systemd listens.
func manager(t *testing.T) func() string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return func() string {
		t.Helper()
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 1024)
		n, err := conn.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
}

func TestNotifications(t *testing.T) {
	received := manager(t)
	for _, c := range []struct {
		notify func() error
		want   string
	}{
		{service.NotifyReady, `^READY=1$`},
		{service.NotifyReloading, `^RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]*\n?$`},
		{service.NotifyStopping, `^STOPPING=1$`},
	} {
		if err := c.notify(); err != nil {
			t.Fatal(err)
		}
		if got := received(); !regexp.MustCompile(c.want).MatchString(got) {
			t.Errorf("systemd was told %q, want %s", got, c.want)
		}
	}
}

func TestWithoutSystemdNothingIsTold(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	t.Setenv("WATCHDOG_USEC", "")
	for _, notify := range []func() error{service.NotifyReady, service.NotifyReloading, service.NotifyStopping} {
		if err := notify(); err != nil {
			t.Error(err)
		}
	}
	if err := service.KeepAlive(context.Background(), func() bool { return true }); err != nil {
		t.Error(err)
	}
}

func TestKeepAliveWhileAlive(t *testing.T) {
	received := manager(t)
	t.Setenv("WATCHDOG_USEC", strconv.Itoa(int((20 * time.Millisecond).Microseconds())))
	t.Setenv("WATCHDOG_PID", "")
	var asked atomic.Int32
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	// Alive only from the third question on: the first pat must not come sooner.
	go func() { done <- service.KeepAlive(ctx, func() bool { return asked.Add(1) > 2 }) }()
	if got := received(); got != "WATCHDOG=1" || asked.Load() < 3 {
		t.Errorf("systemd was told %q after %d questions", got, asked.Load())
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestKeepAliveOfAnotherProcess(t *testing.T) {
	t.Setenv("WATCHDOG_USEC", "1000")
	t.Setenv("WATCHDOG_PID", "1")
	if err := service.KeepAlive(context.Background(), func() bool { return true }); err != nil {
		t.Error(err)
	}
}

func TestKeepAliveWithNonsense(t *testing.T) {
	t.Setenv("WATCHDOG_USEC", "soon")
	if err := service.KeepAlive(context.Background(), func() bool { return true }); err == nil {
		t.Error("no error")
	}
}
