module {{name}}

go 1.24

require github.com/sluicegate/sluicegate/sdk/go v0.0.0

replace github.com/sluicegate/sluicegate/sdk/go => ./sluicegate-plugin

tool github.com/sluicegate/sluicegate/sdk/go/cmd/sluicegate-build
