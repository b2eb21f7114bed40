package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// schemaDialect is the version of JSON Schema that is written.
const schemaDialect = "https://json-schema.org/draft/2020-12/schema"

// The patterns of values that the schema knows by their look. A value that
// takes its text from the environment has no look of its own.
const (
	environmentPattern = `\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}`
	addressPattern     = `^[0-9A-Fa-f:.]+(%.+)?$`
	labelPattern       = `^(_|_?[A-Za-z][A-Za-z0-9_]*|_[0-9][A-Za-z0-9_]*)$`
	requestPattern     = `^/[!-~]*$`
	namePattern        = `^\S(.*\S)?$`
)

// Schema returns the native format as a JSON Schema of draft 2020-12. It
// refuses unknown keys, wrong types and numbers out of range. What hangs on
// several values, on other files or on the sum of a duration's parts it cannot
// tell.
func Schema() []byte {
	description := Describe()
	definitions := map[string]any{
		"environment": map[string]any{"type": "string", "pattern": environmentPattern, "description": "Taken from the environment."},
	}
	for _, mapping := range description.Mappings {
		for _, key := range mapping.Keys {
			if pattern := patternOf(key); pattern != "" {
				definitions[definitionOf(key)] = map[string]any{"type": "string", "pattern": pattern}
			}
		}
	}
	for _, mapping := range description.Mappings[1:] {
		definitions[mapping.Name] = schemaOfMapping(mapping, description.Kinds)
	}
	root := schemaOfMapping(description.Mappings[0], description.Kinds)
	root["$schema"] = schemaDialect
	root["title"] = "netsonde's configuration"
	root["$defs"] = definitions

	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(root); err != nil {
		panic("config: the schema is made of plain values: " + err.Error())
	}
	return text.Bytes()
}

func schemaOfMapping(mapping Mapping, kinds []string) map[string]any {
	properties := map[string]any{}
	var required []string
	for _, key := range mapping.Keys {
		schema := schemaOfValue(key.Type, key, kinds)
		schema["description"] = describeKey(key)
		if value, ok := schemaDefault(key); ok {
			schema["default"] = value
		}
		properties[key.Name] = schema
		// What a probe needs may stand among the defaults.
		if key.Required && !slices.Contains(kinds, mapping.Name) {
			required = append(required, key.Name)
		}
	}
	schema := map[string]any{
		"type": "object", "description": mapping.Text, "properties": properties, "additionalProperties": false,
	}
	if mapping.Name == "defaults" || mapping.Name == "budget" || slices.Contains(kinds, mapping.Name) {
		// Nothing behind the colon is an empty mapping.
		schema["type"] = []string{"object", "null"}
	}
	if required != nil {
		schema["required"] = required
	}
	needsOneOf := func(keys ...string) {
		var alternatives []any
		for _, key := range keys {
			alternative := map[string]any{"required": []string{key}}
			if mapping.Name == "file" {
				alternative["properties"] = map[string]any{key: map[string]any{"type": "array", "minItems": 1}}
			}
			alternatives = append(alternatives, alternative)
		}
		schema["anyOf"] = alternatives
	}
	switch mapping.Name {
	case "file":
		needsOneOf("targets", "groups", "file_sd", "include")
	case "target":
		// Either is the other's default.
		needsOneOf("host", "name")
	case "trace":
		schema["not"] = map[string]any{
			"type":       "object",
			"properties": map[string]any{"protocol": map[string]any{"const": "icmp"}},
			"required":   []string{"protocol", "port"},
		}
	}
	return schema
}

// schemaOfValue is the schema of a value of a type, whose range and words are
// the key's.
func schemaOfValue(t ValueType, key Key, kinds []string) map[string]any {
	reference := func(name string) map[string]any { return map[string]any{"$ref": "#/$defs/" + name} }
	either := func(schemas ...any) map[string]any {
		return map[string]any{"anyOf": append(schemas, reference("environment"))}
	}
	number := func() map[string]any {
		return map[string]any{"type": "integer", "minimum": key.Least, "maximum": key.Most}
	}
	pattern := func(pattern string) map[string]any { return map[string]any{"type": "string", "pattern": pattern} }
	// YAML reads some texts as numbers or booleans; they are taken as written.
	single := map[string]any{"type": []string{"string", "number", "boolean"}}

	switch t {
	case ValueInteger:
		return either(number(), reference(definitionOf(key)))
	case ValueSize:
		return either(number(), reference(definitionOf(key)))
	case ValueDuration:
		if key.Least == 0 {
			return either(reference(definitionOf(key)), map[string]any{"const": 0})
		}
		return either(reference(definitionOf(key)))
	case ValueBoolean:
		return either(map[string]any{"enum": []any{true, false, "true", "false"}})
	case ValueEnum:
		return either(map[string]any{"enum": key.Values})
	case ValueAddress:
		return either(pattern(addressPattern))
	case ValuePath, ValueHost:
		return map[string]any{"type": "string", "minLength": 1}
	case ValueMapping:
		return reference(key.Mapping)
	case ValueLabels:
		return map[string]any{"type": []string{"object", "null"}, "propertyNames": pattern(labelPattern), "additionalProperties": single, "maxProperties": key.Most}
	case ValueProbe:
		properties := map[string]any{}
		for _, kind := range kinds {
			properties[kind] = reference(kind)
		}
		return map[string]any{"anyOf": []any{
			map[string]any{"enum": kinds},
			map[string]any{
				"type": "object", "properties": properties, "additionalProperties": false,
				"minProperties": 1, "maxProperties": 1,
			},
		}}
	case ValueTarget:
		return map[string]any{"anyOf": []any{map[string]any{"type": "string", "minLength": 1}, reference("target")}}
	case ValueList:
		list := map[string]any{"type": []string{"array", "null"}, "items": schemaOfValue(key.Element, key, kinds)}
		if key.Element != ValueInteger {
			if key.Least > 0 {
				list["type"], list["minItems"] = "array", key.Least
			}
			if key.Most > 0 {
				list["maxItems"] = key.Most
			}
		}
		return list
	case ValueText:
		if key.Name == "path" {
			return either(pattern(requestPattern))
		}
		if key.Most > 0 {
			return map[string]any{"type": single["type"], "minLength": key.Least, "maxLength": key.Most, "pattern": namePattern}
		}
	}
	return single
}

// describeKey is what an editor shows of a key.
func describeKey(key Key) string {
	text := key.Text
	if limits := describeRange(key); limits != "" {
		text += " " + strings.ToUpper(limits[:1]) + limits[1:] + "."
	}
	if key.Default != "" {
		text += fmt.Sprintf(" Default: %s.", strings.Trim(key.Default, "()"))
	}
	return text
}

// schemaDefault is a default as a value of its type; a description of one is none.
func schemaDefault(key Key) (value any, ok bool) {
	if key.Default == "" || strings.HasPrefix(key.Default, "(") {
		return nil, false
	}
	switch key.Type {
	case ValueInteger:
		number, isInteger := parseInteger(key.Default)
		return number, isInteger
	case ValueBoolean:
		return key.Default == "true", true
	case ValueList, ValueMapping:
		return nil, false
	default:
		return key.Default, true
	}
}
