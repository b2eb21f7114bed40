// Package service makes a machine run netsonde as a service of systemd's: it
// installs and removes the program with its units, manual page and log
// rotation, finds the configuration that connmonitor's unit promises, and
// tells systemd how the process is doing. Without systemd the program and the
// manual page are all there is to install, and every notification does nothing.
package service
