package config

import (
	"strings"
	"testing"

	"netsonde"
)

func TestVitalsPlan(t *testing.T) {
	all := Vitals{Ping: true, Trace: true, Scan: true, JSON: true, Pings: 4, Payload: 7, Hops: 300}
	plan, diagnostics, err := all.Plan([]string{"b.test", "5", "a.test", "b.test", "bad=x"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, target := range plan.Targets {
		names = append(names, target.Name)
		if !target.Groups[0].Cadence.Once || !target.Output.JSON || len(target.Groups[0].Probes) != 5 {
			t.Errorf("target %+v", target)
		}
	}
	if got := strings.Join(names, " "); got != "b.test#1 a.test#1 b.test#2" {
		t.Errorf("targets %s", got)
	}
	ping, trace := plan.Targets[0].Groups[0].Probes[0], plan.Targets[0].Groups[0].Probes[1]
	if ping.Count != 4 || ping.Size != 7 || trace.Hops != 255 || trace.Kind != netsonde.KindTrace {
		t.Errorf("ping %+v, trace %+v", ping, trace)
	}
	var told []string
	for _, d := range diagnostics {
		told = append(told, d.Error())
	}
	want := "str: Unable to resolve host ( 5 ): a bare number is no host\n" +
		"str: Unable to resolve host ( bad=x ): an option stands where the host belongs"
	if got := strings.Join(told, "\n"); got != want {
		t.Errorf("told\n%s\nwant\n%s", got, want)
	}
}

func TestVitalsRanges(t *testing.T) {
	for name, change := range map[string]func(*Vitals){
		"pings -1":           func(v *Vitals) { v.Pings = -1 },
		"pings 65536":        func(v *Vitals) { v.Pings = 65536 },
		"payload size -1":    func(v *Vitals) { v.Payload = -1 },
		"payload size 65508": func(v *Vitals) { v.Payload = 65508 },
		"hops -1":            func(v *Vitals) { v.Hops = -1 },
	} {
		v := DefaultVitals()
		change(&v)
		word, number, _ := strings.Cut(name, " ")
		if _, _, err := v.Plan([]string{"a.test"}); err == nil || !strings.HasPrefix(err.Error(), word) || !strings.Contains(err.Error(), number[strings.LastIndex(number, " ")+1:]) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	for _, v := range []Vitals{{}, {Ping: true, Pings: 65535, Payload: 65507}, {Trace: true}} {
		if plan, _, err := v.Plan([]string{"a.test"}); err != nil || len(plan.Targets) != 1 {
			t.Errorf("%+v: %v", v, err)
		}
	}
}
