{{- define "gwe.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- /* At most 52 characters: a StatefulSet's pods add a hash of 10 to labels that may have 63. */ -}}
{{- define "gwe.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains (include "gwe.name" .) .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "gwe.name" .) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "gwe.selectorLabels" -}}
app.kubernetes.io/name: {{ include "gwe.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "gwe.labels" -}}
{{ include "gwe.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- /* The labels, and others from the values; of a key in both the values' counts. */ -}}
{{- define "gwe.labelsWith" -}}
{{- toYaml (mergeOverwrite (include "gwe.labels" (index . 0) | fromYaml) (deepCopy (default (dict) (index . 1)))) -}}
{{- end -}}

{{- define "gwe.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "gwe.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "gwe.image" -}}
{{- $repository := required "image.repository: name where you pushed the image that the project's Dockerfile builds, such as registry.internal/github_workflow_exporter; nobody publishes one for you" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{ $repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ $repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{- define "gwe.tokenSecret" -}}
{{- if .Values.token.existingSecret -}}
{{- .Values.token.existingSecret -}}
{{- else if .Values.token.value -}}
{{- include "gwe.fullname" . }}-token
{{- end -}}
{{- end -}}

{{- /* The configuration file, with what the chart decides. */ -}}
{{- define "gwe.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- if include "gwe.tokenSecret" . -}}
{{- $github := default (dict) $config.github -}}
{{- $_ := set $github "token_file" (printf "/etc/github_workflow_exporter/secret/%s" .Values.token.key) -}}
{{- $_ := set $config "github" $github -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{- /* How a probe asks a path. */ -}}
{{- define "gwe.probe" -}}
{{- $root := index . 0 -}}
{{- if eq $root.Values.webConfig.probe "tcp" -}}
tcpSocket: {port: http}
{{- else -}}
httpGet: {path: {{ index . 1 }}, port: http, scheme: {{ $root.Values.webConfig.scheme }}}
{{- end -}}
{{- end -}}
