package main

// goals are measured in this order.
var goals = []goal{
	{1, "Apply one after another, int → int", measureApply},
	{2, "ApplyAsync of many, then Get of all", measureAsync},
	{3, "Map over ints", measureMap},
	{4, "IMap and IMapUnordered over ints, default window", measureIMap},
	{5, "Map over a struct of eight fields", measureRecords},
	{6, "MaxTasksPerChild 1", measureOneTask},
	{7, "MaxTasksPerChild 10 and 100", measureFewTasks},
	{8, "Bytes: echo, and a View that is summed", measureBytes},
	{9, "From New until every worker and a first task have answered", measureStart},
	{10, "Memory", measureMemory},
	{11, "Growth: many workers, many queued tasks", measureGrowth},
	{12, "Idle: 100 workers without work, for 5 s", measureIdle},
	{13, "Mixed lengths: short tasks when 1 in 100 takes 100 ms", measureMixed},
	{14, "From SIGKILL of a worker to its task's error", measureLoss},
}

const (
	tasksPerSecond = "tasks/s"
	timesPerSecond = "/s"
)
