package observe

import "strconv"

// PriceListDate is as of when the built-in list holds. Source: GitHub's documentation, "Actions runner pricing", as noted in
// github-api §16. Prices of one's own agreement belong into metrics.prices.
const PriceListDate = "2026-01-01"

// PriceList is GitHub's price list in US dollars a minute, by the labels of its own runners: the standard ones by the names
// of their images, larger ones by the shape that their labels usually have. What a runner is called otherwise has no price.
func PriceList() []ListedPrice {
	const (
		standard = true
		linux    = `ubuntu-(?:latest|\d\d\.\d\d)`
		windows  = `windows-(?:latest|20\d\d)`
		macos    = `macos-(?:latest|\d\d)`
	)
	list := []ListedPrice{
		listed(`ubuntu-slim`, "linux_slim", 0.002, standard, "ubuntu-slim"),
		listed(linux, "linux", 0.006, standard, "ubuntu-latest ubuntu-24.04"),
		listed(linux+`-arm`, "linux_2_core_arm", 0.005, standard, "ubuntu-24.04-arm"),
		listed(windows+`(?:-vs20\d\d)?`, "windows", 0.010, standard, "windows-latest windows-2025"),
		listed(macos+`(?:-intel)?`, "macos", 0.062, standard, "macos-latest macos-15 macos-15-intel"),
		listed(macos+`-large`, "macos_l", 0.077, !standard, "macos-latest-large macos-15-large"),
		listed(macos+`-xlarge`, "macos_xl", 0.102, !standard, "macos-latest-xlarge macos-15-xlarge"),
		listed(linux+`-(?:4-?cores?-gpu|gpu-t4(?:-4-?cores?)?)|gpu-t4-4-?cores?`, "linux_4_core_gpu", 0.052, !standard, "ubuntu-24.04-4-core-gpu"),
		listed(windows+`-(?:4-?cores?-gpu|gpu-t4(?:-4-?cores?)?)`, "windows_4_core_gpu", 0.102, !standard, "windows-2025-4-core-gpu"),
	}
	for _, larger := range []struct {
		cores                int
		linux, windows       float64
		linuxLabel, winLabel string
	}{
		{4, 0.012, 0.022, "ubuntu-latest-4-cores ubuntu-24.04-4core", "windows-latest-4-cores"},
		{8, 0.022, 0.042, "ubuntu-latest-8-cores", "windows-latest-8-cores"},
		{16, 0.042, 0.082, "ubuntu-latest-16-cores", "windows-latest-16-cores"},
		{32, 0.082, 0.162, "ubuntu-latest-32-cores", "windows-latest-32-cores"},
		{64, 0.162, 0.322, "ubuntu-latest-64-cores", "windows-latest-64-cores"},
		{96, 0.252, 0.552, "ubuntu-latest-96-cores", "windows-latest-96-cores"},
	} {
		n := strconv.Itoa(larger.cores)
		size := `-` + n + `-?cores?(?:-x64)?`
		list = append(list,
			listed(linux+size, "linux_"+n+"_core", larger.linux, !standard, larger.linuxLabel),
			listed(windows+size, "windows_"+n+"_core", larger.windows, !standard, larger.winLabel))
	}
	for _, arm := range []struct {
		cores     int
		perMinute float64
	}{{2, 0.005}, {4, 0.008}, {8, 0.014}, {16, 0.026}, {32, 0.050}, {64, 0.098}} {
		n := strconv.Itoa(arm.cores)
		size := `-` + n + `-?cores?`
		list = append(list, listed(linux+`(?:-arm(?:64)?`+size+`|`+size+`-arm(?:64)?)`, "linux_"+n+"_core_arm", arm.perMinute, !standard,
			"ubuntu-24.04-arm64-"+n+"-cores"))
	}
	return list
}
