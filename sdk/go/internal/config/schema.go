package config

import "reflect"

// Of JSON Schema, what a configuration is completed by. That a configuration is right, the host has checked.

// get gives a member of an object, or nil.
func get(value any, name string) any {
	members, _ := value.(object)
	for _, m := range members {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// withDefaults completes a configuration by the defaults of its schema.
func withDefaults(schema, value any) any {
	switch value := value.(type) {
	case []any:
		for i, element := range value {
			value[i] = withDefaults(get(schema, "items"), element)
		}
	case object:
		properties, _ := get(schema, "properties").(object)
		for i, m := range value {
			value[i].value = withDefaults(get(properties, m.name), m.value)
		}
		for _, property := range properties {
			fallback := get(property.value, "default")
			if fallback != nil && !has(value, property.name) {
				value = append(value, member{property.name, fallback})
			}
		}
		return value
	}
	return value
}

func has(members object, name string) bool {
	for _, m := range members {
		if m.name == name {
			return true
		}
	}
	return false
}

// unread gives the path of a property of a schema that has no place in a type; nothing if all have one.
func unread(t reflect.Type, schema any, path string) string {
	if schema == nil {
		return ""
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Map:
		within := "items"
		if t.Kind() == reflect.Map {
			within = "additionalProperties"
		}
		return unread(t.Elem(), get(schema, within), path)
	case reflect.Struct:
		properties, _ := get(schema, "properties").(object)
		for _, property := range properties {
			in := path + "." + property.name
			found := place(t, property.name)
			if found == nil {
				return in
			}
			if deeper := unread(found, property.value, in); deeper != "" {
				return deeper
			}
		}
	}
	return ""
}
