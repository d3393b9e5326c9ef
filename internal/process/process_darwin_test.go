package process

func regroup()                {}
func parent(string, []string) {}
func gap()                    {}
func settle()                 {}
