//go:build cgo

package main

import (
	"image/color"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// line is what was measured, in the order of time.
type line []point

type point struct {
	at   time.Duration
	held held
}

func (l line) most() (bytes uint64) {
	for _, p := range l {
		bytes = max(bytes, p.held.Bytes)
	}
	return bytes
}

func (l line) workers() int {
	pids := map[int]bool{}
	for _, p := range l {
		pids[p.held.PID] = true
	}
	return len(pids)
}

// Len and XY make a line what the plotter draws: seconds and MiB.
func (l line) Len() int                    { return len(l) }
func (l line) XY(i int) (x, y float64)     { return l[i].at.Seconds(), mebibytes(l[i].held.Bytes) }
func mebibytes(bytes uint64) (mib float64) { return float64(bytes) / (1 << 20) }

// draw writes the plot; the file's extension says how.
func draw(file string, limit uint64, without, with line) error {
	p := plot.New()
	p.Title.Text = "A task that leaks in C"
	p.X.Label.Text = "seconds"
	p.Y.Label.Text = "resident memory of the worker, MiB"
	p.Y.Min = 0
	p.Add(plotter.NewGrid())
	for _, c := range []struct {
		name  string
		line  plotter.XYer
		color color.Color
	}{
		{"without a limit", without, color.RGBA{R: 0xc0, G: 0x30, B: 0x30, A: 0xff}},
		{"with Recycle.Memory", with, color.RGBA{R: 0x20, G: 0x60, B: 0xb0, A: 0xff}},
		{"the limit", level(limit, without, with), color.Gray{0x90}},
	} {
		l, err := plotter.NewLine(c.line)
		if err != nil {
			return err
		}
		l.Color, l.Width = c.color, vg.Points(1.5)
		p.Add(l)
		p.Legend.Add(c.name, l)
	}
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.XOffs, p.Legend.YOffs = vg.Points(8), -vg.Points(8)
	return p.Save(20*vg.Centimeter, 11*vg.Centimeter, file)
}

// level is a line at the limit, as long as the others.
func level(limit uint64, others ...line) plotter.XYs {
	var end time.Duration
	for _, l := range others {
		end = max(end, l[len(l)-1].at)
	}
	return plotter.XYs{{X: 0, Y: mebibytes(limit)}, {X: end.Seconds(), Y: mebibytes(limit)}}
}
