package main

import (
	"slices"
	"testing"

	"netsonde"
)

func TestParsePorts(t *testing.T) {
	for list, want := range map[string][]uint16{
		"80":                     {80},
		"443,80":                 {80, 443},
		" 22 , 80-82, 81-83":     {22, 80, 81, 82, 83},
		"80,80,80-80":            {80},
		"65535":                  {65535},
		"":                       nil,
		"0":                      nil,
		"65536":                  nil,
		"1-":                     nil,
		"-1":                     nil,
		"90-80":                  nil,
		"80,,443":                nil,
		"http":                   nil,
		"1-2-3":                  nil,
		"99999999999999999999-1": nil,
	} {
		got, err := parsePorts(list)
		if !slices.Equal(got, want) || (err == nil) != (want != nil) {
			t.Errorf("%q are the ports %v and the error %v, want %v", list, got, err, want)
		}
	}
	if all, err := parsePorts("1-65535,1-65535,1-65535"); err != nil || len(all) != 65535 {
		t.Errorf("all ports are %d, %v", len(all), err)
	}
}

func TestServiceKind(t *testing.T) {
	for port, want := range map[uint16]netsonde.Kind{
		22: netsonde.KindSSH, 53: netsonde.KindDNS, 80: netsonde.KindHTTP, 443: netsonde.KindHTTPS,
		3306: netsonde.KindMySQL, 8080: netsonde.KindTCP, 1: netsonde.KindTCP,
	} {
		if got := serviceKind(port, false); got != want {
			t.Errorf("port %d is checked as %v, want %v", port, got, want)
		}
		if got := serviceKind(port, true); got != netsonde.KindTCP {
			t.Errorf("port %d is opened as %v", port, got)
		}
	}
}
