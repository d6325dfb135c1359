// Package config reads configurations. The package encoding/json would make a plugin, the time that it takes to load and
// the memory of each call half as large again; a configuration needs little of it.
package config

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// number is a number as it was written.
type number string

// object is an object, with its fields in their order.
type object []member

type member struct {
	name  string
	value any
}

// depthMax is how deep a configuration may be nested.
const depthMax = 100

var errNotJSON = errors.New("the configuration is not JSON")

// parse reads JSON: nil, bool, number, string, []any or object.
func parse(text string) (any, error) {
	p := &parser{text: text}
	value := p.value(0)
	p.space()
	if p.broken || p.at < len(text) {
		return nil, errNotJSON
	}
	return value, nil
}

type parser struct {
	text   string
	at     int
	broken bool
}

func (p *parser) fail() any {
	p.broken = true
	return nil
}

func (p *parser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

// take passes over white space, and over a sign if it comes next.
func (p *parser) take(sign string) bool {
	p.space()
	if !strings.HasPrefix(p.text[p.at:], sign) {
		return false
	}
	p.at += len(sign)
	return true
}

func (p *parser) value(depth int) any {
	switch {
	case depth > depthMax:
		return p.fail()
	case p.take("{"):
		return p.object(depth)
	case p.take("["):
		return p.array(depth)
	case p.take(`"`):
		return p.string()
	case p.take("true"):
		return true
	case p.take("false"):
		return false
	case p.take("null"):
		return nil
	}
	return p.number()
}

func (p *parser) object(depth int) any {
	members := object{}
	if p.take("}") {
		return members
	}
	for !p.broken {
		if !p.take(`"`) {
			return p.fail()
		}
		name := p.string()
		if !p.take(":") {
			return p.fail()
		}
		members = append(members, member{name, p.value(depth + 1)})
		if p.take("}") {
			return members
		}
		if !p.take(",") {
			return p.fail()
		}
	}
	return nil
}

func (p *parser) array(depth int) any {
	elements := []any{}
	if p.take("]") {
		return elements
	}
	for !p.broken {
		elements = append(elements, p.value(depth+1))
		if p.take("]") {
			return elements
		}
		if !p.take(",") {
			return p.fail()
		}
	}
	return nil
}

func (p *parser) number() any {
	start := p.at
	for p.at < len(p.text) && strings.IndexByte("+-.0123456789eE", p.text[p.at]) >= 0 {
		p.at++
	}
	written := p.text[start:p.at]
	if _, err := strconv.ParseFloat(written, 64); err != nil {
		return p.fail()
	}
	return number(written)
}

// string reads what stands behind a quotation mark.
func (p *parser) string() string {
	var out strings.Builder
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		switch {
		case c == '"':
			return out.String()
		case c < ' ':
			p.fail()
			return ""
		case c == '\\':
			out.WriteString(p.escaped())
		default:
			out.WriteByte(c)
		}
	}
	p.fail()
	return ""
}

func (p *parser) escaped() string {
	if p.at >= len(p.text) {
		p.fail()
		return ""
	}
	c := p.text[p.at]
	p.at++
	if at := strings.IndexByte(`"\/bfnrt`, c); at >= 0 {
		return "\"\\/\b\f\n\r\t"[at : at+1]
	}
	if c != 'u' {
		p.fail()
		return ""
	}
	r := p.unit()
	if utf16.IsSurrogate(r) {
		r2 := utf8.RuneError
		if strings.HasPrefix(p.text[p.at:], `\u`) {
			p.at += 2
			r2 = p.unit()
		}
		r = utf16.DecodeRune(r, r2)
	}
	return string(r)
}

// unit reads four hexadecimal digits.
func (p *parser) unit() rune {
	if len(p.text)-p.at < 4 {
		p.fail()
		return utf8.RuneError
	}
	n, err := strconv.ParseUint(p.text[p.at:p.at+4], 16, 16)
	if err != nil {
		p.fail()
	}
	p.at += 4
	return rune(n)
}
