module github.com/sluicegate/sluicegate/sdk/go

go 1.24
