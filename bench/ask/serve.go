package ask

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Work does something and returns what it measured.
type Work func(numbers []int) ([]float64, error)

// failure begins a line that says why a work failed.
const failure = "failed: "

// Serve does works as standard input asks for them, until its end.
func Serve(works map[string]Work) {
	answers := os.Stdout
	os.Stdout = os.Stderr // nothing else may answer
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		fmt.Fprintln(answers, answer(works, strings.Fields(in.Text())))
	}
}

func answer(works map[string]Work, line []string) string {
	if len(line) == 0 || works[line[0]] == nil {
		return failure + fmt.Sprintf("no such work: %q", line)
	}
	var numbers []int
	for _, field := range line[1:] {
		n, err := strconv.Atoi(field)
		if err != nil {
			return failure + err.Error()
		}
		numbers = append(numbers, n)
	}
	values, err := works[line[0]](numbers)
	if err != nil {
		return failure + strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	return strings.Trim(fmt.Sprint(values), "[]")
}
