package sluicegate

import (
	"errors"
	"fmt"
	"testing"
)

type settings struct {
	Word  string   `json:"word"`
	Names []string `json:"names"`
}

var echo = &Plugin[settings, settings]{
	Defaults: func() settings { return settings{Word: "x", Names: []string{"a", "b"}} },
	Configure: func(c settings) (settings, error) {
		if c.Word == "" {
			return c, errors.New("`word` must not be empty")
		}
		return c, nil
	},
}

func TestAConfigurationIsReadOverTheDefaults(t *testing.T) {
	for config, want := range map[string]string{
		"": "x [a b]", "{}": "x [a b]", `{"names": ["c"]}`: "x [c]", `{"word": "y"}`: "y [a b]",
	} {
		made, err := echo.New(config)
		if got := fmt.Sprint(made.Word, " ", made.Names); err != nil || got != want {
			t.Errorf("%s: %s, %v", config, got, err)
		}
	}
	for config, want := range map[string]string{
		`{"word": ""}`: "`word` must not be empty", `{"word": 7}`: "`word` must be a text",
	} {
		if _, err := echo.New(config); err == nil || err.Error() != want {
			t.Errorf("%s: %v", config, err)
		}
	}
}

func TestSpansGrowToWholeCharacters(t *testing.T) {
	text := "a🦉e\u0301"
	for _, c := range []struct{ span, want Span }{
		{Span{0, 1}, Span{0, 1}},
		{Span{2, 3}, Span{1, 5}},
		{Span{-5, 99}, Span{0, 8}},
		{Span{7, 7}, Span{6, 8}},
		{Span{8, 8}, Span{8, 8}},
		{Span{5, 2}, Span{5, 5}},
	} {
		if got := c.span.Clamp(text); got != c.want {
			t.Errorf("%v: %v", c.span, got)
		}
	}
}

func TestEditsAreClampedInTheirSegment(t *testing.T) {
	segments := []Segment{{ID: 1, Text: "🦉"}, {ID: 2, Text: "abc"}}
	edits := []SegmentEdit{Mask(Span{1, 2}, "x").In(segments[0]), Mask(Span{1, 9}, "x").In(segments[1])}
	got := ClampEdits(edits, segments)
	if got[0].Edit.Span != (Span{0, 4}) || got[1].Edit.Span != (Span{1, 3}) || edits[1].Edit.Span.End != 9 {
		t.Errorf("%+v", got)
	}
}

func TestErrorsKeepTheirCase(t *testing.T) {
	for _, c := range []struct {
		err  error
		want PluginError
	}{
		{errors.New("a"), PluginError{PluginErrorOther, "a"}},
		{fmt.Errorf("asking: %w", Unavailable("b")), PluginError{PluginErrorUnavailable, "asking: b"}},
		{Unsupported("c"), PluginError{PluginErrorUnsupported, "c"}},
	} {
		if got := AsPluginError(c.err); got != c.want {
			t.Errorf("%+v", got)
		}
	}
}

func TestWhatWasSaidLast(t *testing.T) {
	said := func(role Role, text string) Segment { return Segment{Role: role, Text: text} }
	request := Request{Segments: []Segment{
		said(RoleUser, "1"), said(RoleAssistant, "2"), said(RoleUser, "3"), said(RoleUser, "4"), said(RoleAssistant, "5"),
		{Role: RoleTool, Channel: ChannelToolResult, Text: "6"},
	}}
	last := request.SaidLast()
	if len(last) != 2 || last[0].Text != "3" || last[1].Text != "4" {
		t.Errorf("%+v", last)
	}
}

func TestEditsAreApplied(t *testing.T) {
	edits := []Edit{Mask(Span{4, 5}, ""), Mask(Span{0, 1}, "é")}
	if got := Apply("a🦉"[:5], edits[1:]); got != "é🦉" {
		t.Error(got)
	}
	defer func() {
		if recover() == nil {
			t.Error("an edit inside a character is applied")
		}
	}()
	Apply("a🦉", edits)
}
