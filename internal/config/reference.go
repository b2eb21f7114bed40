package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Reference returns the native format as tables in Markdown, a section for
// each mapping.
func Reference() string {
	description := Describe()
	var text strings.Builder
	for i, mapping := range description.Mappings {
		heading := "`" + mapping.Name + "`"
		if i == 0 {
			heading = "The file"
		}
		fmt.Fprintf(&text, "### %s\n\n%s\n\n| key | value | default | meaning | example |\n|---|---|---|---|---|\n", heading, mapping.Text)
		for _, key := range mapping.Keys {
			fmt.Fprintf(&text, "| `%s` | %s | %s | %s | `%s` |\n", key.Name,
				cell(describeValue(key)), cell(referenceDefault(key)), cell(key.Text), cell(key.Example))
		}
		text.WriteString("\n")
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// cell keeps a text inside its cell of a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

func referenceDefault(key Key) string {
	switch {
	case key.Required:
		return "**required**"
	case key.Default == "":
		return ""
	case strings.HasPrefix(key.Default, "("):
		return strings.Trim(key.Default, "()")
	default:
		return "`" + key.Default + "`"
	}
}

// describeValue says in the reference what a key's value is, with its range.
func describeValue(key Key) string {
	var what string
	switch key.Type {
	case ValueEnum:
		what = "`" + strings.Join(key.Values, "`, `") + "`"
	case ValueMapping:
		what = "[`" + key.Mapping + "`](#" + key.Mapping + ")"
	case ValueList:
		what = "list of " + plural(key)
	default:
		what = valueName(key.Type)
	}
	if limits := describeRange(key); limits != "" {
		what += ", " + limits
	}
	return what
}

// describeRange says in which range a value must be, "" if in any.
func describeRange(key Key) string {
	of := key.Type
	if of == ValueList && key.Element == ValueInteger {
		of = ValueInteger
	}
	var least, most string
	switch of {
	case ValueInteger:
		least, most = strconv.FormatInt(key.Least, 10), strconv.FormatInt(key.Most, 10)
	case ValueSize:
		least, most = fmt.Sprintf("%dB", key.Least), fmt.Sprintf("%dB", key.Most)
	case ValueDuration:
		least, most = writeDuration(time.Duration(key.Least)), writeDuration(time.Duration(key.Most))
	case ValueText:
		if key.Most == 0 {
			return ""
		}
		least, most = strconv.FormatInt(key.Least, 10), strconv.FormatInt(key.Most, 10)+" bytes"
	case ValueLabels:
		return fmt.Sprintf("at most %d", key.Most)
	case ValueList:
		switch {
		case key.Least > 0:
			return fmt.Sprintf("%d to %d of them", key.Least, key.Most)
		case key.Most > 0:
			return fmt.Sprintf("at most %d", key.Most)
		}
		return ""
	default:
		return ""
	}
	text := least + " to " + most
	if key.Unit != "" {
		text += " " + key.Unit
	}
	return text
}

func valueName(t ValueType) string {
	switch t {
	case ValueInteger:
		return "integer"
	case ValueSize:
		return "size"
	case ValueDuration:
		return "duration"
	case ValueBoolean:
		return "`true` or `false`"
	case ValueAddress:
		return "address"
	case ValuePath:
		return "path or pattern"
	case ValueHost:
		return "host"
	case ValueLabels:
		return "mapping of texts"
	case ValueProbe:
		return "kind, or kind: mapping"
	case ValueTarget:
		return "host expression or mapping"
	default:
		return "text"
	}
}

// plural names the elements of a list.
func plural(key Key) string {
	switch key.Element {
	case ValueMapping:
		return "[`" + key.Mapping + "`](#" + key.Mapping + ")"
	case ValueProbe:
		return "kinds, or `kind: {…}`"
	case ValueTarget:
		return "host expressions, or [`target`](#target)"
	case ValuePath:
		return "paths or patterns"
	default:
		return valueName(key.Element) + "s"
	}
}
