// Package lifecycle is what every plugin exports: what it is, and how it is configured.
package lifecycle

// Installed is a plugin, of whatever type.
type Installed interface {
	Describe() Description
	Install(config string) error
}

var (
	plugins []Installed
	after   []func() error
)

// Register has a plugin described and configured, once, however many kinds it serves; then what its kind has left to do
// runs, if anything.
func Register(plugin Installed, then func() error) {
	known := false
	for _, other := range plugins {
		known = known || other == plugin
	}
	if !known {
		plugins = append(plugins, plugin)
	}
	if then != nil {
		after = append(after, then)
	}
}

func describe() Description {
	if len(plugins) == 0 {
		panic("the plugin serves no kind: call Serve in init")
	}
	return plugins[0].Describe()
}

func configure(config string) error {
	for _, plugin := range plugins {
		if err := plugin.Install(config); err != nil {
			return err
		}
	}
	for _, then := range after {
		if err := then(); err != nil {
			return err
		}
	}
	return nil
}
