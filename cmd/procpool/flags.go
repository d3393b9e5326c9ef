package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// newFlagsTopic is `procpool help flags`: every flag of map.
func newFlagsTopic() *cobra.Command {
	cmd := &cobra.Command{Use: "flags", Short: "Every flag of procpool map"}
	cmd.SetHelpFunc(func(c *cobra.Command, _ []string) {
		fmt.Fprintf(c.OutOrStdout(), "The flags of procpool map. Any can be a variable: PROCPOOL_MAX_MEMORY=512MiB.\n"+
			"Durations are written 1.5s, 300ms, 2h or as seconds, sizes 512MiB, 2GB or as bytes.\n\n%s",
			newMap().Flags().FlagUsagesWrapped(100))
	})
	return cmd
}
