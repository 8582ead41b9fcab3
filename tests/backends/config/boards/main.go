// Reads dashboards as strictly as Grafana's published schema allows: an unknown field or a wrong type is an error.
package main

import (
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func main() {
	plugins.RegisterDefaultPlugins()
	failed := false
	for _, path := range os.Args[1:] {
		text, err := os.ReadFile(path)
		board := dashboard.Dashboard{}
		if err == nil {
			err = board.UnmarshalJSONStrict(text)
		}
		if err == nil {
			err = board.Validate()
		}
		// A list of no faults is an error as well.
		if err != nil && err.Error() != "" {
			failed = true
			fmt.Printf("%s: %v\n", path, err)
			continue
		}
		fmt.Printf("%s: %d panels\n", path, len(board.Panels))
	}
	if failed {
		os.Exit(1)
	}
}
