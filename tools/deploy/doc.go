// Package deploy checks what is in deploy/: the chart renders in all its forms into objects that Kubernetes knows, field
// by field; the compose file, the provisioning files and the units say what they must and agree with each other.
package deploy
