package console

import "fmt"

// Format is how the rounds of a run are written. docs/output.md describes the
// native ones.
type Format uint8

// The formats.
const (
	// FormatDialect leaves it to each target's Output: blocks for connmonitor's
	// dialects, and for native targets FormatJSON or FormatText.
	FormatDialect Format = iota
	// FormatText is a line a probe and round, for people.
	FormatText
	// FormatJSON is an object a probe and round, echoes together.
	FormatJSON
	// FormatJSONLines is an object for every outcome, so each echo has its own.
	FormatJSONLines
	// FormatNone writes no results, only error and warning lines.
	FormatNone
)

// ParseFormat returns the format of a name of --output: text, json, jsonl or none.
func ParseFormat(name string) (Format, error) {
	switch name {
	case "text":
		return FormatText, nil
	case "json":
		return FormatJSON, nil
	case "jsonl":
		return FormatJSONLines, nil
	case "none":
		return FormatNone, nil
	default:
		return 0, fmt.Errorf("%q is no output format: use text, json, jsonl or none", name)
	}
}
