package reference_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

// The numbers that differ from run to run, and what stands for them.
var (
	pingNumbers  = regexp.MustCompile(`^(\d+\.\d{3}\t){4}`)
	hopNumber    = regexp.MustCompile(`^([0-9a-f.:]+\t)\d+\.\d{3}$`)
	scanNumber   = regexp.MustCompile(`(^|\t)\d+\.\d{3}, `)
	jsonNumber   = regexp.MustCompile(`"(min|avg|max|std|rtt)":\d+\.\d{6,}`)
	jsonHop      = regexp.MustCompile(`(\["[0-9a-f.:]+", ?)\d+\.\d{6,}\]`)
	jsonTime     = regexp.MustCompile(`"timestamp":\d{13}\.\d{6,}`)
	calendarTime = regexp.MustCompile(`(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ 123]\d \d\d:\d\d:\d\d 20\d\d`)
)

// normalise puts <ms>, <epochms> and <ts> for the numbers and times of a line.
// What does not have exactly the form that is promised stays as it is.
func normalise(text string) string {
	text = pingNumbers.ReplaceAllString(text, "<ms>\t<ms>\t<ms>\t<ms>\t")
	text = hopNumber.ReplaceAllString(text, "$1<ms>")
	text = scanNumber.ReplaceAllString(text, "$1<ms>, ")
	text = jsonNumber.ReplaceAllString(text, `"$1":<ms>`)
	text = jsonHop.ReplaceAllString(text, "$1<ms>]")
	text = jsonTime.ReplaceAllString(text, `"timestamp":<epochms>`)
	return calendarTime.ReplaceAllString(text, "<ts>")
}

// block is what one round printed: a header and normalised lines, or one line
// of JSON, whose header is its address and name.
type block struct {
	header string
	lines  []string
}

// jsonHeader is the beginning of every JSON line.
var jsonHeader = regexp.MustCompile(`^\{"addr":"[^"]*", ?"name":"[^"]*"`)

// blocksOf splits standard output into blocks. Lines before the first header
// are a block without one.
func blocksOf(lines []string) []block {
	var blocks []block
	for _, text := range lines {
		switch line := normalise(text); {
		case strings.HasPrefix(line, "{"):
			header := jsonHeader.FindString(line)
			blocks = append(blocks, block{header: header, lines: []string{strings.TrimPrefix(line, header)}})
		case line != "" && line != "*" && line != "<ts>" && !strings.Contains(line, "\t"):
			blocks = append(blocks, block{header: line})
		default:
			if len(blocks) == 0 {
				blocks = append(blocks, block{})
			}
			last := &blocks[len(blocks)-1]
			last.lines = append(last.lines, line)
		}
	}
	return blocks
}

// validJSON checks every line of standard output that looks like JSON.
func validJSON(t *testing.T, lines []string) {
	t.Helper()
	for _, text := range lines {
		if strings.HasPrefix(text, "{") && !json.Valid([]byte(text)) {
			t.Errorf("not valid JSON: %s", text)
		}
	}
}

func TestNormalise(t *testing.T) {
	for in, want := range map[string]string{
		"0.018\t0.020\t12.300\t0.001\t25.000":          "<ms>\t<ms>\t<ms>\t<ms>\t25.000",
		"-1.000\t-1.000\t-1.000\t-1.000\t100.000":      "-1.000\t-1.000\t-1.000\t-1.000\t100.000",
		"0.01\t0.02\t0.03\t0.04\t0.000":                "0.01\t0.02\t0.03\t0.04\t0.000",
		"10.77.1.1\t0.379":                             "10.77.1.1\t<ms>",
		"fd77:1::1\t0.379":                             "fd77:1::1\t<ms>",
		"1.057, 200, nginx/1.24.0\tNone\t0.165, 5.7.2": "<ms>, 200, nginx/1.24.0\tNone\t<ms>, 5.7.2",
		`{"min":0.018597,"loss":0.000000}`:             `{"min":<ms>,"loss":0.000000}`,
		`{"min":0.0185,"loss":0.000000}`:               `{"min":0.0185,"loss":0.000000}`,
		`[["10.77.1.1", 0.123978], ["*"]]`:             `[["10.77.1.1", <ms>], ["*"]]`,
		`"timestamp":1795321991710.760254,`:            `"timestamp":<epochms>,`,
		"EE: x -\t Sun Nov 22 04:38:45 2026":           "EE: x -\t <ts>",
		"Sun Nov  2 04:38:45 2026":                     "<ts>",
	} {
		if got := normalise(in); got != want {
			t.Errorf("normalise(%q) = %q, want %q", in, got, want)
		}
	}
}
