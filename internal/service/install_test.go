package service_test

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"netsonde/internal/service"
)

var everything = []string{
	"bin",
	"bin/connmonitor -> netsonde",
	"bin/connvitals -> netsonde",
	"bin/netsonde",
	"bin/pmonitor -> netsonde",
	"etc",
	"etc/logrotate.d",
	"etc/logrotate.d/connmonitor",
	"etc/netsonde",
	"etc/netsonde/netsonde.yaml",
	"lib",
	"lib/systemd",
	"lib/systemd/system",
	"lib/systemd/system/connmonitor.service",
	"lib/systemd/system/netsonde.service",
	"share",
	"share/bash-completion",
	"share/bash-completion/completions",
	"share/bash-completion/completions/netsonde",
	"share/fish",
	"share/fish/vendor_completions.d",
	"share/fish/vendor_completions.d/netsonde.fish",
	"share/man",
	"share/man/man1",
	"share/man/man1/connmonitor.1 -> netsonde.1",
	"share/man/man1/connvitals.1 -> netsonde.1",
	"share/man/man1/netsonde-run.1",
	"share/man/man1/netsonde.1",
	"share/man/man1/pmonitor.1 -> netsonde.1",
	"share/netsonde",
	"share/netsonde/manifest",
	"share/zsh",
	"share/zsh/site-functions",
	"share/zsh/site-functions/_netsonde",
}

func TestInstallThenUninstallLeavesNothing(t *testing.T) {
	i := newInstallation(t)
	i.install()
	if got := i.files(); !slices.Equal(got, everything) {
		t.Errorf("installed:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(everything, "\n"))
	}
	output, err := exec.Command(filepath.Join(i.prefix, "bin/connmonitor")).Output()
	if string(output) != "first\n" || err != nil {
		t.Errorf("the installed program prints %q, %v", output, err)
	}
	for _, unit := range []string{"netsonde", "connmonitor"} {
		if next := ": systemctl enable --now " + i.prefix + "/lib/systemd/system/" + unit + ".service,"; !strings.Contains(i.out.String(), next) {
			t.Errorf("no %q in:\n%s", next, &i.out)
		}
	}
	if page := i.read("share/man/man1/netsonde.1"); page != string(service.Overview()) {
		t.Errorf("the overview is %.40q", page)
	}
	i.uninstall()
	if left := i.files(); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestInstallWithoutSystemd(t *testing.T) {
	i := newInstallation(t)
	i.Systemd.Present = false
	i.install()
	for _, file := range i.files() {
		if strings.HasPrefix(file, "lib") || strings.HasPrefix(file, "etc") {
			t.Errorf("installed %s", file)
		}
	}
	if !strings.Contains(i.out.String(), "no unit: this machine does not start with systemd") {
		t.Errorf("not said why there is no unit:\n%s", &i.out)
	}
	i.uninstall()
	if left := i.files(); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestInstallForOneUser(t *testing.T) {
	i := newInstallation(t)
	layout, err := service.UserLayout(i.prefix, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	i.Layout = layout
	i.install()
	got := i.files()
	for _, want := range []string{
		".config/fish/completions/netsonde.fish",
		".config/netsonde/netsonde.yaml",
		".local/bin/connmonitor -> netsonde",
		".local/bin/netsonde",
		".local/share/bash-completion/completions/netsonde",
		".local/share/man/man1/netsonde-run.1",
		".local/share/man/man1/netsonde.1",
		".local/share/systemd/user/netsonde.service",
		".local/share/zsh/site-functions/_netsonde",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("no %s", want)
		}
	}
	unit := i.read(".local/share/systemd/user/netsonde.service")
	for _, refused := range []string{"DynamicUser", "AmbientCapabilities", "multi-user.target"} {
		if strings.Contains(unit, refused) {
			t.Errorf("a user's service manager refuses %s", refused)
		}
	}
	i.uninstall()
	if left := i.files(); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestDryRunChangesNothing(t *testing.T) {
	i := newInstallation(t)
	i.DryRun = true
	i.install()
	if left := i.files(); len(left) > 0 {
		t.Errorf("a dry run made %q", left)
	}
	for _, line := range strings.Split(strings.TrimSpace(i.out.String()), "\n") {
		if !strings.HasPrefix(line, "would install "+i.prefix+"/") {
			t.Errorf("said %q", line)
		}
	}

	i.DryRun = false
	i.install()
	i.DryRun = true
	i.out.Reset()
	i.uninstall()
	if got := i.files(); !slices.Equal(got, everything) {
		t.Errorf("a dry run of the uninstallation left only %q", got)
	}
	if n := strings.Count(i.out.String(), "would remove "); n != len(everything)-1 {
		t.Errorf("%d of %d removals said:\n%s", n, len(everything)-1, &i.out)
	}
}

func TestUpgradeOverARunningProgram(t *testing.T) {
	i := newInstallation(t)
	sleep, err := os.ReadFile(need(t, "sleep"))
	if err != nil {
		t.Fatal(err)
	}
	i.write(i.Binary, string(sleep), 0o755)
	i.install()
	running := exec.Command(filepath.Join(i.prefix, "bin/netsonde"), "60")
	if err := running.Start(); err != nil {
		t.Fatal(err)
	}
	defer running.Wait()
	defer running.Process.Kill()

	i.build("second")
	i.install()
	if got := i.read("bin/netsonde"); !strings.Contains(got, "second") {
		t.Error("the program is still the old one")
	}
	i.uninstall()
	if left := i.files(); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestUpgradeKeepsChangedConfiguration(t *testing.T) {
	i := newInstallation(t)
	conf := filepath.Join(i.prefix, "etc/netsonde/netsonde.yaml")
	i.install()
	i.write(conf, "mine\n", 0o644)
	i.build("second")
	for range 2 {
		i.install()
		if got := i.read("etc/netsonde/netsonde.yaml"); got != "mine\n" {
			t.Fatalf("the configuration is now %q", got)
		}
	}
	i.uninstall()
	want := []string{"etc", "etc/netsonde", "etc/netsonde/netsonde.yaml"}
	if left := i.files(); !slices.Equal(left, want) {
		t.Errorf("left behind %q, want %q", left, want)
	}
	if !strings.Contains(i.out.String(), "keep "+conf) {
		t.Errorf("not said that it is kept:\n%s", &i.out)
	}
}

func TestInstallKeepsConfigurationFromBefore(t *testing.T) {
	i := newInstallation(t)
	if err := os.MkdirAll(filepath.Join(i.prefix, "etc/netsonde"), 0o755); err != nil {
		t.Fatal(err)
	}
	i.write(filepath.Join(i.prefix, "etc/netsonde/netsonde.yaml"), "before\n", 0o600)
	i.install()
	i.uninstall()
	if got := i.read("etc/netsonde/netsonde.yaml"); got != "before\n" {
		t.Errorf("the configuration is now %q", got)
	}
}

func TestInstallReportsEveryFileInTheWay(t *testing.T) {
	i := newInstallation(t)
	if err := os.MkdirAll(filepath.Join(i.prefix, "bin/netsonde"), 0o755); err != nil {
		t.Fatal(err)
	}
	i.write(filepath.Join(i.prefix, "bin/connmonitor"), "the original\n", 0o755)
	i.write(filepath.Join(i.prefix, "bin/connvitals"), "the original\n", 0o755)
	before := i.files()
	err := service.Install(context.Background(), i.Options)
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{"bin/netsonde ", "bin/connmonitor ", "bin/connvitals "} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("the error does not name %s: %v", name, err)
		}
	}
	if got := i.files(); !slices.Equal(got, before) {
		t.Errorf("changed all the same: %q", got)
	}

	if err := os.Remove(filepath.Join(i.prefix, "bin/netsonde")); err != nil {
		t.Fatal(err)
	}
	i.Replace = true
	i.install()
	if got := i.read("bin/connmonitor"); !strings.Contains(got, "first") {
		t.Errorf("not replaced: %q", got)
	}
}

func TestUpgradeRemovesWhatIsNoLongerInstalled(t *testing.T) {
	i := newInstallation(t)
	i.install()
	i.Systemd.Present = false
	i.install()
	if slices.ContainsFunc(i.files(), func(f string) bool { return strings.HasSuffix(f, ".service") }) {
		t.Errorf("units are left: %q", i.files())
	}
	i.uninstall()
	if left := i.files(); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// The manifest of half an upgrade holds the old version and the new.
func TestUninstallAfterHalfAnUpgrade(t *testing.T) {
	i := newInstallation(t)
	i.install()
	i.build("second")
	half := i.Options
	half.Layout.Manuals = "/sys/netsonde" // where nobody, not even root, makes files
	if err := service.Install(context.Background(), half); err == nil {
		t.Fatal("installed into sysfs")
	}
	if got := i.read("bin/netsonde"); !strings.Contains(got, "second") {
		t.Fatalf("the program was not yet replaced: %q", got)
	}
	i.uninstall()
	if left := i.files(); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestUninstallWithoutInstallation(t *testing.T) {
	i := newInstallation(t)
	err := service.Uninstall(context.Background(), i.Options)
	if err == nil || !strings.Contains(err.Error(), "nothing to uninstall") {
		t.Errorf("error %v", err)
	}
}

func TestBrokenManifestChangesNothing(t *testing.T) {
	for _, line := range []string{"", "file", "file x relative/path", "pipe - /tmp/x", "file  "} {
		i := newInstallation(t)
		i.install()
		i.write(i.Layout.Manifest, line+"\n", 0o644)
		before := i.files()
		if err := service.Uninstall(context.Background(), i.Options); err == nil {
			t.Errorf("%q: uninstalled", line)
		}
		if err := service.Install(context.Background(), i.Options); err == nil {
			t.Errorf("%q: installed", line)
		}
		if got := i.files(); !slices.Equal(got, before) {
			t.Errorf("%q: now %q", line, got)
		}
	}
}

// Nobody, not even root, is permitted to make files in sysfs.
func TestInstallSaysWhenRightsAreMissing(t *testing.T) {
	i := newInstallation(t)
	var err error
	if i.Layout, err = service.SystemLayout("/sys/netsonde"); err != nil {
		t.Fatal(err)
	}
	err = service.Install(context.Background(), i.Options)
	if err == nil || !strings.Contains(err.Error(), "--user") {
		t.Errorf("error %v", err)
	}
}

func TestLayouts(t *testing.T) {
	for prefix, config := range map[string]string{
		"/usr/local":  "/etc/netsonde",
		"/usr/local/": "/etc/netsonde",
		"/usr":        "/etc/netsonde",
		"/opt/net":    "/opt/net/etc/netsonde",
	} {
		if layout, err := service.SystemLayout(prefix); err != nil || layout.Config != config {
			t.Errorf("%s: configuration in %q, %v", prefix, layout.Config, err)
		}
	}
	for _, prefix := range []string{"", "relative", "/with space", "/per%cent", "/new\nline", `/quo"te`, "/dollar$"} {
		if _, err := service.SystemLayout(prefix); err == nil {
			t.Errorf("prefix %q was taken", prefix)
		}
	}
	environment := map[string]string{"XDG_DATA_HOME": "/data", "XDG_CONFIG_HOME": "not/absolute"}
	layout, err := service.UserLayout("/home/a", func(name string) string { return environment[name] })
	if err != nil || layout.Units != "/data/systemd/user" || layout.Config != "/home/a/.config/netsonde" {
		t.Errorf("%+v, %v", layout, err)
	}
}

func TestModes(t *testing.T) {
	i := newInstallation(t)
	i.install()
	for path, mode := range map[string]fs.FileMode{
		"bin/netsonde": 0o755, "lib/systemd/system/netsonde.service": 0o644, "share/netsonde/manifest": 0o644,
	} {
		info, err := os.Stat(filepath.Join(i.prefix, path))
		if err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

func TestUnitsAreWhatSystemdExpects(t *testing.T) {
	i := newInstallation(t)
	verify := need(t, "systemd-analyze")
	i.install()
	for _, unit := range []string{"netsonde.service", "connmonitor.service"} {
		i.verify("lib/systemd/system/"+unit, verify, "verify")
	}
}

func TestUserUnitIsWhatSystemdExpects(t *testing.T) {
	analyze := need(t, "systemd-analyze")
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir()) // without one it does not start
	i := newInstallation(t)
	var err error
	if i.Layout, err = service.UserLayout(i.prefix, func(string) string { return "" }); err != nil {
		t.Fatal(err)
	}
	i.install()
	i.verify(".local/share/systemd/user/netsonde.service", analyze, "--user", "verify")
}

// verify has systemd read an installed unit, and looks for what the unit names.
func (i *installation) verify(unit string, command ...string) {
	i.Helper()
	verify := exec.Command(command[0], append(command[1:], filepath.Join(i.prefix, unit))...)
	// It succeeds on keys that it ignores, so what it prints counts.
	if output, err := verify.CombinedOutput(); len(output) > 0 || err != nil {
		i.Errorf("%s: %v\n%s", unit, err, output)
	}
	text := i.read(unit)
	if strings.Contains(text, "dir@") {
		i.Errorf("a placeholder is left:\n%s", text)
	}
	for _, begins := range []string{"\nDocumentation=file://", "/netsonde run "} {
		_, path, ok := strings.Cut(text, begins)
		path, _, _ = strings.Cut(path, "\n")
		if _, err := os.Stat(path); err != nil && (ok || !strings.HasSuffix(unit, "/connmonitor.service")) {
			i.Errorf("%s names no file that there is after %q: %v", unit, begins, err)
		}
	}
}
