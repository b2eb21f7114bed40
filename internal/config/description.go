package config

import "time"

// ValueType says how a value of the native format is written.
type ValueType uint8

// The types of value. The zero value is invalid.
const (
	// ValueText is a single value, taken as it is written.
	ValueText ValueType = iota + 1
	// ValueInteger is a whole number.
	ValueInteger
	// ValueSize is a whole number of bytes, alone or with a unit: 1400, 1400B,
	// 1.4kB, 4KiB.
	ValueSize
	// ValueDuration is a number with a unit, or several: 250ms, 10s, 1m30s, 1d.
	ValueDuration
	// ValueBoolean is true or false.
	ValueBoolean
	// ValueEnum is one of Key.Values.
	ValueEnum
	// ValueAddress is an IPv4 or IPv6 address.
	ValueAddress
	// ValuePath is the path of a file, relative to the file that names it, and
	// may be a pattern with *, ? and [].
	ValuePath
	// ValueHost is one host: a name or an address.
	ValueHost
	// ValueMapping is the mapping that Key.Mapping names.
	ValueMapping
	// ValueLabels is a mapping of any names to texts.
	ValueLabels
	// ValueProbe is a kind of probe alone, or a mapping of one key, the kind,
	// whose value is the mapping of the same name.
	ValueProbe
	// ValueTarget is a host expression (a name, an address, a CIDR, a range or a
	// pattern), or the mapping "target".
	ValueTarget
	// ValueList is a list of Key.Element.
	ValueList
)

// Key is one key of a mapping.
type Key struct {
	Name string
	Type ValueType
	// Element is the type of each element of a list, invalid otherwise.
	Element ValueType
	// Mapping names the mapping that the value, or each element of a list, is;
	// "" if it is none.
	Mapping string
	// Values are the words of an enumeration.
	Values []string
	// Least and Most are the range of a number: of a whole number itself, of a
	// size in bytes, of a duration in nanoseconds. Of a list they bound the
	// elements' number, or their range if they are numbers. Of a text they bound
	// its bytes, unless both are 0.
	Least, Most int64
	// Unit is what a whole number counts, "" if it is plain.
	Unit string
	// Default is what holds without the key, in the words of the file, or a
	// description in parentheses; "" if there is none.
	Default  string
	Required bool
	// Text says in one line what the key means.
	Text string
	// Example is the key with a value, as it may stand in a file.
	Example string
}

// Mapping is a mapping of the native format.
type Mapping struct {
	Name string
	// Text says in one line what the mapping is.
	Text string
	Keys []Key
}

// Key returns the key of this name.
func (m Mapping) Key(name string) (Key, bool) {
	for _, key := range m.Keys {
		if key.Name == name {
			return key, true
		}
	}
	return Key{}, false
}

// Description is the native format: what the parser checks, what the schema
// says and what the documentation lists.
type Description struct {
	// Mappings are all there are, the file itself first.
	Mappings []Mapping
	// Kinds are the words for the kinds of probe. Each is a mapping too.
	Kinds []string
}

// Mapping returns the mapping of this name.
func (d Description) Mapping(name string) (Mapping, bool) {
	for _, m := range d.Mappings {
		if m.Name == name {
			return m, true
		}
	}
	return Mapping{}, false
}

const (
	// leastEvery is the shortest interval of a probe, mostEvery the longest.
	leastEvery = 100 * time.Millisecond
	mostEvery  = 30 * 24 * time.Hour
	// leastTimeout is the shortest time that an answer is waited for.
	leastTimeout = time.Millisecond
	mostTimeout  = time.Hour
	// listLimit is the most elements of a list but those of targets.
	listLimit = 10_000
	// budgetLimit is the most packets a second that a budget may be.
	budgetLimit = 100_000_000
	// textLimit is the most bytes of a single value.
	textLimit = 4096
)

// Describe returns the description of the native format.
func Describe() Description {
	d := Description{Kinds: []string{"ping", "trace", "http", "https", "tcp", "tls", "dns", "ssh", "mysql"}}
	d.Mappings = []Mapping{
		{Name: "file", Text: "The whole file.", Keys: describeFile()},
		{Name: "budget", Text: "The most packets a second that the plan may send. Loopback is exempt.", Keys: describeBudget()},
		{Name: "defaults", Text: "What holds for probes that do not say otherwise.", Keys: describeDefaults(d.Kinds)},
		{Name: "group", Text: "Targets that have something in common.", Keys: describeGroup()},
		{Name: "target", Text: "One target, or several alike by a host expression.", Keys: describeTarget()},
		{Name: "file_sd", Text: "Targets of Prometheus' file_sd files, read again when they change.", Keys: describeFileSD()},
	}
	for _, kind := range d.Kinds {
		d.Mappings = append(d.Mappings, describeProbe(kind))
	}
	return d
}

func describeFile() []Key {
	return []Key{
		{Name: "node", Type: ValueText, Least: 1, Most: nameLimit, Default: "(the host's name)", Text: "The name of this vantage point.", Example: "node: ams1"},
		{
			Name: "resolve", Type: ValueDuration, Least: int64(time.Second), Most: int64(24 * time.Hour), Default: "60s",
			Text: "How often names are looked up again.", Example: "resolve: 5m",
		},
		{Name: "budget", Type: ValueMapping, Mapping: "budget", Text: "The most packets a second.", Example: "budget: {rate: 20000}"},
		{
			Name: "evidence", Type: ValueBoolean, Default: "true",
			Text: "Whether a target that begins to lose echoes is looked into at once, with what the plan leaves of the budget.", Example: "evidence: false",
		},
		{Name: "defaults", Type: ValueMapping, Mapping: "defaults", Text: "What holds for all probes that do not say otherwise.", Example: "defaults: {every: 30s}"},
		{
			Name: "include", Type: ValueList, Element: ValuePath, Most: listLimit,
			Text: "Further files of this format, whose groups, targets and file_sd are added. They see this file's defaults.", Example: "include: [conf.d/*.yaml]",
		},
		{Name: "file_sd", Type: ValueList, Element: ValueMapping, Mapping: "file_sd", Most: listLimit, Text: "Targets from Prometheus' target files.", Example: "file_sd: [{files: [targets/*.json]}]"},
		{Name: "groups", Type: ValueList, Element: ValueMapping, Mapping: "group", Most: listLimit, Text: "Targets that share labels, defaults or probes.", Example: "groups: [{name: routers, targets: [192.0.2.1]}]"},
		targetsKey(false),
	}
}

func targetsKey(required bool) Key {
	return Key{
		Name: "targets", Type: ValueList, Element: ValueTarget, Least: 1, Most: targetLimit, Required: required,
		Text: "What is watched: names, addresses, CIDRs, ranges, patterns, or mappings.", Example: `targets: [192.0.2.1, 10.0.0.0/24, "web[01-20].example"]`,
	}
}

func probesKey(otherwise string) Key {
	return Key{
		Name: "probes", Type: ValueList, Element: ValueProbe, Least: 1, Most: probeLimit, Default: otherwise,
		Text: "What is measured: kinds alone, or with what differs from the defaults.", Example: "probes: [ping, {http: {path: /health}}]",
	}
}

func labelsKey() Key {
	return Key{Name: "labels", Type: ValueLabels, Most: labelLimit, Text: "Your own words about the target.", Example: "labels: {site: ams}"}
}

func describeBudget() []Key {
	key := func(name string, otherwise, text string) Key {
		return Key{
			Name: name, Type: ValueInteger, Least: 1, Most: budgetLimit, Unit: "packets/s", Default: otherwise,
			Text: text, Example: name + ": " + otherwise,
		}
	}
	return []Key{
		key("rate", "10000", "To all destinations together."),
		key("destination", "100", "To one address or name."),
		key("network", "2000", "To one /24 of IPv4 or /48 of IPv6."),
	}
}

func describeDefaults(kinds []string) []Key {
	keys := commonKeys("(by kind)", "(by kind)")
	keys = append(keys, probesKey("[ping]"))
	for _, kind := range kinds {
		keys = append(keys, Key{
			Name: kind, Type: ValueMapping, Mapping: kind, Text: "What holds for probes of kind " + kind + ".",
			Example: kind + ": {every: 1m}",
		})
	}
	return keys
}

func describeGroup() []Key {
	return []Key{
		{Name: "name", Type: ValueText, Least: 1, Most: nameLimit, Text: "A name for messages.", Example: "name: routers"},
		labelsKey(),
		{Name: "defaults", Type: ValueMapping, Mapping: "defaults", Text: "What holds for the group's probes, before the file's defaults.", Example: "defaults: {ping: {every: 1s}}"},
		probesKey("(the defaults' probes)"),
		targetsKey(true),
	}
}

func describeTarget() []Key {
	return []Key{
		{Name: "name", Type: ValueText, Least: 1, Most: nameLimit, Default: "(the host)", Text: "The target's name, which no other has.", Example: "name: web"},
		{Name: "host", Type: ValueHost, Default: "(the name)", Text: "Name, address, or an expression of several hosts, which are then named as their hosts.", Example: "host: web.example"},
		familyKey(),
		labelsKey(),
		{Name: "stable", Type: ValueBoolean, Default: "false", Text: "Whether the target does not move, as against one that comes and goes.", Example: "stable: true"},
		probesKey("(the group's, or the defaults' probes)"),
	}
}

func describeFileSD() []Key {
	return []Key{
		{Name: "files", Type: ValueList, Element: ValuePath, Least: 1, Most: listLimit, Required: true, Text: "JSON or YAML files of Prometheus' form.", Example: "files: [targets/*.json]"},
		labelsKey(),
		{Name: "defaults", Type: ValueMapping, Mapping: "defaults", Text: "What holds for these targets' probes, before the file's defaults.", Example: "defaults: {every: 1m}"},
		probesKey("(the defaults' probes)"),
	}
}
