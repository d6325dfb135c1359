package config

import (
	"errors"
	"reflect"
	"strconv"
	"strings"
)

// Read reads a configuration over what stands in a value already; into points to it. Nothing and an empty object both
// stand for what was not configured: for that the defaults of the schema count, if there is one.
//
// Structs, by their tags `json:"name"`, slices, maps with texts as keys, pointers, texts, numbers, truth values and any can
// be read into. What has no place there is a mistake, in a configuration as in the schema.
func Read(text, schema string, into any) error {
	if strings.TrimSpace(text) == "" {
		text = "{}"
	}
	value, err := parse(text)
	if err != nil {
		return err
	}
	v := reflect.ValueOf(into).Elem()
	if strings.TrimSpace(schema) != "" {
		of, err := parse(schema)
		if err != nil {
			return errors.New("ConfigSchema is not JSON")
		}
		if property := unread(v.Type(), of, ""); property != "" {
			return errors.New("ConfigSchema has `" + property[1:] + "`, which is read into nothing: no field has the tag `json:\"" +
				property[strings.LastIndexByte(property, '.')+1:] + "\"`")
		}
		value = withDefaults(of, value)
	}
	return set(v, value, "")
}

func wrong(path, want string) error {
	if path == "" {
		path = "the configuration"
	} else {
		path = "`" + strings.TrimPrefix(path, ".") + "`"
	}
	return errors.New(path + " must be " + want)
}

func set(v reflect.Value, value any, path string) error {
	if value == nil {
		v.SetZero()
		return nil
	}
	switch v.Kind() {
	case reflect.Pointer:
		made := reflect.New(v.Type().Elem())
		v.Set(made)
		return set(made.Elem(), value, path)
	case reflect.Interface:
		v.Set(reflect.ValueOf(plain(value)))
		return nil
	case reflect.Struct:
		members, ok := value.(object)
		if !ok {
			return wrong(path, "an object")
		}
		for _, m := range members {
			if place(v.Type(), m.name) == nil {
				return errors.New("`" + (path + "." + m.name)[1:] + "` is no setting of this plugin")
			}
		}
		return setStruct(v, members, path)
	case reflect.Map:
		members, ok := value.(object)
		if !ok {
			return wrong(path, "an object")
		}
		return setMap(v, members, path)
	case reflect.Slice:
		elements, ok := value.([]any)
		if !ok {
			return wrong(path, "an array")
		}
		made := reflect.MakeSlice(v.Type(), len(elements), len(elements))
		for i, element := range elements {
			if err := set(made.Index(i), element, path+"["+strconv.Itoa(i)+"]"); err != nil {
				return err
			}
		}
		v.Set(made)
		return nil
	}
	return setScalar(v, value, path)
}

func setScalar(v reflect.Value, value any, path string) error {
	switch v.Kind() {
	case reflect.String:
		text, ok := value.(string)
		if !ok {
			return wrong(path, "a text")
		}
		v.SetString(text)
	case reflect.Bool:
		truth, ok := value.(bool)
		if !ok {
			return wrong(path, "true or false")
		}
		v.SetBool(truth)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, ok := whole(value)
		if !ok || v.OverflowInt(n) {
			return wrong(path, "a whole number that is not too large")
		}
		v.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n, ok := whole(value)
		if !ok || n < 0 || v.OverflowUint(uint64(n)) {
			return wrong(path, "a whole number that is not too large, and not below 0")
		}
		v.SetUint(uint64(n))
	case reflect.Float32, reflect.Float64:
		written, ok := value.(number)
		n, err := strconv.ParseFloat(string(written), 64)
		if !ok || err != nil {
			return wrong(path, "a number")
		}
		v.SetFloat(n)
	default:
		return wrong(path, "nothing: a "+v.Kind().String()+" cannot be configured")
	}
	return nil
}

// whole gives a whole number, also one that is written as 1.0 or 1e3.
func whole(value any) (int64, bool) {
	written, ok := value.(number)
	if !ok {
		return 0, false
	}
	if n, err := strconv.ParseInt(string(written), 10, 64); err == nil {
		return n, true
	}
	n, err := strconv.ParseFloat(string(written), 64)
	return int64(n), err == nil && n == float64(int64(n)) && n > -1<<53 && n < 1<<53
}

func setStruct(v reflect.Value, members object, path string) error {
	t := v.Type()
	for i := range t.NumField() {
		field := t.Field(i)
		name, embedded := named(field)
		if embedded {
			if err := setStruct(v.Field(i), members, path); err != nil {
				return err
			}
		}
		for _, m := range members {
			if name != "" && m.name == name {
				if err := set(v.Field(i), m.value, path+"."+name); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// named gives what a field is called in JSON, nothing for one that is not there; or says that it is a struct whose fields
// are there in its place.
func named(field reflect.StructField) (name string, embedded bool) {
	name, _, _ = strings.Cut(field.Tag.Get("json"), ",")
	switch {
	case field.Anonymous && name == "" && field.Type.Kind() == reflect.Struct:
		return "", true
	case !field.IsExported() || name == "-":
		return "", false
	case name == "":
		return field.Name, false
	}
	return name, false
}

// place gives the type of what a field of this name is read into, or nil.
func place(t reflect.Type, wanted string) reflect.Type {
	for i := range t.NumField() {
		field := t.Field(i)
		name, embedded := named(field)
		if embedded {
			if found := place(field.Type, wanted); found != nil {
				return found
			}
		} else if name != "" && name == wanted {
			return field.Type
		}
	}
	return nil
}

func setMap(v reflect.Value, members object, path string) error {
	t := v.Type()
	if t.Key().Kind() != reflect.String {
		return wrong(path, "nothing: a map can be configured if its keys are texts")
	}
	made := reflect.MakeMap(t)
	for _, m := range members {
		element := reflect.New(t.Elem()).Elem()
		if err := set(element, m.value, path+"."+m.name); err != nil {
			return err
		}
		made.SetMapIndex(reflect.ValueOf(m.name).Convert(t.Key()), element)
	}
	v.Set(made)
	return nil
}

// plain gives a value as Go has it: map[string]any, []any, float64, string or bool.
func plain(value any) any {
	switch value := value.(type) {
	case object:
		all := map[string]any{}
		for _, m := range value {
			all[m.name] = plain(m.value)
		}
		return all
	case []any:
		all := make([]any, len(value))
		for i, element := range value {
			all[i] = plain(element)
		}
		return all
	case number:
		n, _ := strconv.ParseFloat(string(value), 64)
		return n
	}
	return value
}
