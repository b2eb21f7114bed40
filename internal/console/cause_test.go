package console

import (
	"strings"
	"testing"

	"netsonde"
)

// TestCauses has every cause told in JSON and in words.
func TestCauses(t *testing.T) {
	for cause := netsonde.CauseNone + 1; cause <= netsonde.CauseNoCarrier; cause++ {
		sample := netsonde.Sample{Outcome: netsonde.OutcomeSendFailed, Cause: cause}
		want := `"outcome":"send_failed","rtt_ms":null,"timestamps":null,"cause":"` + cause.String() + `"`
		if got := string(appendSampleFields(nil, &sample, sample.From)); got != ","+want {
			t.Errorf("%s, want %s", got, want)
		}
		if got := string(appendErrorsField(nil, []netsonde.Sample{sample})); !strings.Contains(got, `"cause":"`+cause.String()+`"`) {
			t.Errorf("errors: %s", got)
		}
		if got := string(appendCauses(nil, 0, []netsonde.Sample{sample})); got != "send_failed ("+causeWords[cause]+")" || causeWords[cause] == "" {
			t.Errorf("in words: %s", got)
		}
	}
}
