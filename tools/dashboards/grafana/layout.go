package grafana

// gridWidth is the number of columns of Grafana's grid.
const gridWidth = 24

// Layout places panels from left to right and from top to bottom, and numbers them.
type Layout struct {
	panels  []Panel
	x, y, h int // the next free column, the top of the present line and its height
}

// Row begins a new titled section.
func (l *Layout) Row(title string) {
	l.newLine()
	open, none := false, []Panel{}
	l.add(Panel{Type: "row", Title: title, Collapsed: &open, Panels: &none, GridPos: GridPos{W: gridWidth, H: 1, Y: l.y}})
	l.y++
}

// Place puts a panel of the given size at the next free place of the line, or on a new line if it does not fit.
func (l *Layout) Place(w, h int, p Panel) {
	if l.x+w > gridWidth {
		l.newLine()
	}
	p.GridPos = GridPos{X: l.x, Y: l.y, W: w, H: h}
	l.x += w
	l.h = max(l.h, h)
	l.add(p)
}

// Panels returns what was placed.
func (l *Layout) Panels() []Panel { return l.panels }

func (l *Layout) newLine() {
	l.y += l.h
	l.x, l.h = 0, 0
}

func (l *Layout) add(p Panel) {
	p.ID = len(l.panels) + 1
	l.panels = append(l.panels, p)
}
