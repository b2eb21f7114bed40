package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"netsonde/internal/service"
)

// The configuration of a fresh installation is one that the program itself has
// no word against.
func TestTheFirstConfigurationIsGood(t *testing.T) {
	for _, reload := range []string{"systemctl reload netsonde", "systemctl --user reload netsonde"} {
		options := service.Options{Layout: service.Layout{User: strings.Contains(reload, "--user")}}
		if err := accompany(&options, (&program{}).rootCommand()); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "netsonde.yaml")
		if err := os.WriteFile(path, options.Configuration, 0o600); err != nil {
			t.Fatal(err)
		}
		got := programCall(t, "", "check-config", path)
		if got.code != exitWell || !strings.Contains(got.stdout, ": 2 targets, ") {
			t.Errorf("%+v", got)
		}
		for _, want := range []string{"localhost", "_gateway", reload} {
			if !strings.Contains(string(options.Configuration), want) {
				t.Errorf("no %s in\n%s", want, options.Configuration)
			}
		}
	}
}
