package service

import (
	"context"
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// NotifyReady tells systemd that the start, or a reload, is over (sd_notify(3),
// READY=1). Outside a unit of Type=notify it does nothing.
func NotifyReady() error { return notify(daemon.SdNotifyReady) }

// NotifyReloading tells systemd that the configuration is being read again.
// NotifyReady must follow, also when the reload came to nothing: until then
// systemd calls the unit reloading.
func NotifyReloading() error {
	return notify(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
}

// NotifyStopping tells systemd that the process is on its way out.
func NotifyStopping() error { return notify(daemon.SdNotifyStopping) }

// KeepAlive pats systemd's watchdog twice in every WatchdogSec= for as long as
// alive says so, until ctx ends. When alive goes silent or the process hangs,
// systemd kills and restarts the unit. Without a watchdog it returns nil at once.
func KeepAlive(ctx context.Context, alive func() bool) error {
	limit, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return fmt.Errorf("read systemd's watchdog interval: %w", err)
	}
	if limit == 0 {
		return nil
	}
	// An interval of 1 µs would halve to a ticker's forbidden 0.
	ticker := time.NewTicker(max(limit/2, time.Millisecond))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if !alive() {
				continue
			}
			if err := notify(daemon.SdNotifyWatchdog); err != nil {
				return err
			}
		}
	}
}

func notify(state string) error {
	if _, err := daemon.SdNotify(false, state); err != nil {
		return fmt.Errorf("notify systemd through $NOTIFY_SOCKET: %w", err)
	}
	return nil
}
