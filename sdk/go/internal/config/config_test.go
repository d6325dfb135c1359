package config

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

type inner struct {
	Text string `json:"text"`
}

type all struct {
	inner
	Truth   bool             `json:"truth"`
	Number  int              `json:"number,omitempty"`
	Small   uint8            `json:"small"`
	Ratio   float32          `json:"ratio"`
	Texts   []string         `json:"texts"`
	Rules   map[string]inner `json:"rules"`
	Maybe   *int             `json:"maybe"`
	Any     any              `json:"any"`
	Plain   string
	Ignored string `json:"-"`
	hidden  string
}

func TestWhatIsReadIsWhatEncodingJSONReads(t *testing.T) {
	for _, text := range []string{
		`{}`, `{"truth": true, "number": -7, "small": 255, "ratio": 0.25}`, `{"texts": [], "rules": {}}`,
		`{"texts":["a","\u00e9\ud83e\udd89\n\"\\\/"],"rules":{"x":{"text":"y"}},"maybe":3}`,
		`{"any": {"a": [1, 2.5, "b", null, true], "other": [[{}]]}, "Plain": "p"}`,
		` {"texts" : null , "maybe":null, "ratio": 1e-2, "text": "embedded", "number": 12 } `, `{"any": "\ud800x"}`,
	} {
		var got, want all
		if err := Read(text, "", &got); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v instead of %+v", text, got, want)
		}
	}
}

func TestMistakesAreTold(t *testing.T) {
	for text, want := range map[string]string{
		`[]`:                             "the configuration must be an object",
		`{"truth": 1}`:                   "`truth` must be true or false",
		`{"texts": ["a", 2]}`:            "`texts[1]` must be a text",
		`{"rules": {"x": {"text": []}}}`: "`rules.x.text` must be a text",
		`{"number": 1.5}`:                "`number` must be a whole number that is not too large",
		`{"small": 256}`:                 "`small` must be a whole number that is not too large, and not below 0",
		`{"ratio": "x"}`:                 "`ratio` must be a number",
		`{"texts": {}}`:                  "`texts` must be an array",
		`{"truth": true`:                 errNotJSON.Error(),
		`{"truth": tru}`:                 errNotJSON.Error(),
		`{} x`:                           errNotJSON.Error(),
		`{"a": "b`:                       errNotJSON.Error(),
		`{"a": "\x"}`:                    errNotJSON.Error(),
		`{"a": "\u12"}`:                  errNotJSON.Error(),
		`{"a": -}`:                       errNotJSON.Error(),
		`{"a" 1}`:                        errNotJSON.Error(),
		`{"a": 1,}`:                      errNotJSON.Error(),
		`{"a": [1 2]}`:                   errNotJSON.Error(),
		strings.Repeat("[", 2*depthMax):  errNotJSON.Error(),
		`{"a": "` + "\n" + `"}`:          errNotJSON.Error(),
		`{"other": 1}`:                   "`other` is no setting of this plugin",
		`{"Ignored": "i"}`:               "`Ignored` is no setting of this plugin",
		`{"hidden": "h"}`:                "`hidden` is no setting of this plugin",
		`{"rules": {"x": {"y": 1}}}`:     "`rules.x.y` is no setting of this plugin",
	} {
		if err := Read(text, "", new(all)); err == nil || err.Error() != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestDefaultsStay(t *testing.T) {
	c := all{Number: 5, Texts: []string{"a", "b"}}
	kept := c.Texts
	if err := Read(`{"texts": ["c"], "number": 1e3}`, "", &c); err != nil || c.Number != 1000 || kept[0] != "a" {
		t.Errorf("%+v %v %v", c, kept, err)
	}
	if err := Read(" ", "", &c); err != nil || c.Number != 1000 {
		t.Errorf("%+v %v", c, err)
	}
}

func TestTheDefaultsOfASchemaCount(t *testing.T) {
	schema := `{"properties": {"number": {"default": 7}, "texts": {"default": ["a"]}, "text": {}, "truth": {"default": true},
		"rules": {"additionalProperties": {"properties": {"text": {}}}}}}`
	c := all{Number: 5, inner: inner{"kept"}}
	if err := Read(`{"truth": false}`, schema, &c); err != nil || c.Number != 7 || c.Texts[0] != "a" || c.Truth || c.Text != "kept" {
		t.Errorf("%+v %v", c, err)
	}
	if err := Read("", schema, &c); err != nil || !c.Truth {
		t.Errorf("%+v %v", c, err)
	}
}

func TestASchemaThatTheTypeDoesNotHaveIsTold(t *testing.T) {
	for schema, want := range map[string]string{
		`{"properties": {"numbre": {}}}`: "ConfigSchema has `numbre`, which is read into nothing: no field has the tag `json:\"numbre\"`",
		`{"properties": {"rules": {"additionalProperties": {"properties": {"x": {}}}}}}`: "ConfigSchema has `rules.x`, which is read into nothing: no field has the tag `json:\"x\"`",
		`{"properties": {"hidden": {}}}`:                                                 "ConfigSchema has `hidden`, which is read into nothing: no field has the tag `json:\"hidden\"`",
		`{`:                                                                              "ConfigSchema is not JSON",
	} {
		if err := Read("{}", schema, new(all)); err == nil || err.Error() != want {
			t.Errorf("%s: %v", schema, err)
		}
	}
}
