// Package service makes a machine run netsonde as a service of systemd's: it
// installs and removes the program with its units, manual pages, completions
// and log rotation, finds the configuration that connmonitor's unit promises,
// and tells systemd how the process is doing. Without systemd there are no units,
// no configuration and no log rotation, and every notification does nothing.
package service
