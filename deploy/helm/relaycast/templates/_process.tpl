{{- define "relaycast.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "relaycast.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "relaycast.labels" -}}
{{ include "relaycast.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "relaycast.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "relaycast.secret" -}}
{{ .Values.secrets.existing | default (include "relaycast.name" .) }}
{{- end }}

{{- define "relaycast.stores" -}}
- name: RELAYCAST_REDIS_URL
  valueFrom:
    secretKeyRef: {name: {{ include "relaycast.secret" . }}, key: redis-url}
- name: RELAYCAST_CLICKHOUSE_URL
  valueFrom:
    secretKeyRef: {name: {{ include "relaycast.secret" . }}, key: clickhouse-url}
- name: RELAYCAST_SECRET_KEY
  valueFrom:
    secretKeyRef: {name: {{ include "relaycast.secret" . }}, key: secret-key, optional: true}
- name: RELAYCAST_LOG_FORMAT
  value: {{ .Values.log.format }}
{{- if .Values.log.steps }}
- name: RELAYCAST_LOG_STEPS
  value: "1"
{{- end }}
{{- end }}

{{- define "relaycast.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "relaycast.security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- /* What gateways and workers have in common: a Deployment. Call with the root, the process' name and its values. */}}
{{- define "relaycast.deployment" -}}
{{- $root := .root }}
{{- $its := .its }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "relaycast.name" $root }}-{{ .process }}
  labels:
    {{- include "relaycast.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .process }}
spec:
  {{- if not (and $its.autoscaling $its.autoscaling.enabled) }}
  replicas: {{ $its.replicas }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "relaycast.selector" $root | nindent 6 }}
      app.kubernetes.io/component: {{ .process }}
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxUnavailable: 0, maxSurge: 1}
  template:
    metadata:
      labels:
        {{- include "relaycast.labels" $root | nindent 8 }}
        app.kubernetes.io/component: {{ .process }}
    spec:
      serviceAccountName: {{ include "relaycast.name" $root }}
      automountServiceAccountToken: false
      # Running requests end and peers are told to reconnect, which takes 5 s; what is left is for a slow node.
      terminationGracePeriodSeconds: 40
      securityContext:
        {{- include "relaycast.podSecurity" $root | nindent 8 }}
      {{- with $root.Values.image.pullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- if $root.Values.topologySpread.enabled }}
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: {{ $root.Values.topologySpread.topologyKey }}
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              {{- include "relaycast.selector" $root | nindent 14 }}
              app.kubernetes.io/component: {{ .process }}
      {{- end }}
      containers:
        - name: {{ .process }}
          image: {{ include "relaycast.image" $root | quote }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          args: [{{ .process }}]
          securityContext:
            {{- include "relaycast.security" $root | nindent 12 }}
          env:
            {{- include "relaycast.stores" $root | nindent 12 }}
            - name: RELAYCAST_HEALTH_PORT
              value: "8788"
            # Probes come from the node, not from the pod itself. /metrics stays closed there.
            - name: RELAYCAST_HEALTH_HOST
              value: 0.0.0.0
            - name: RELAYCAST_METRICS_PORT
              value: "9464"
            - name: RELAYCAST_METRICS_HOST
              value: 0.0.0.0
            {{- if eq .process "gateway" }}
            - name: RELAYCAST_HOST
              value: 0.0.0.0
            - name: RELAYCAST_PUBLIC_URL
              value: {{ $root.Values.publicUrl | quote }}
            {{- with $root.Values.trustedProxies }}
            - name: RELAYCAST_TRUSTED_PROXIES
              value: {{ join " " . | quote }}
            {{- end }}
            {{- with $root.Values.allowedHosts }}
            - name: RELAYCAST_ALLOWED_HOSTS
              value: {{ join " " . | quote }}
            {{- end }}
            {{- end }}
            {{- with $its.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          ports:
            {{- if eq .process "gateway" }}
            - {name: http, containerPort: 8787}
            {{- end }}
            - {name: health, containerPort: 8788}
            - {name: metrics, containerPort: 9464}
          # The loop is watched from beside it: one that stands still answers 503 here, and ends itself after 20 s.
          startupProbe:
            httpGet: {path: /livez, port: health}
            periodSeconds: 2
            failureThreshold: 60
          livenessProbe:
            httpGet: {path: /livez, port: health}
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          {{- if eq .process "gateway" }}
          readinessProbe:
            httpGet: {path: /readyz, port: http}
            periodSeconds: 2
            timeoutSeconds: 5
            failureThreshold: 2
          # Until every node has heard that this pod takes no new connections.
          lifecycle:
            preStop:
              exec: {command: [sleep, "5"]}
          {{- end }}
          {{- with $its.resources }}
          resources:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
      volumes:
        - name: tmp
          emptyDir: {sizeLimit: 256Mi}
      {{- with $its.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $its.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $its.affinity }}
      affinity:
        {{- toYaml . | nindent 8 }}
      {{- end }}
{{- if $its.podDisruptionBudget.enabled }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "relaycast.name" $root }}-{{ .process }}
  labels:
    {{- include "relaycast.labels" $root | nindent 4 }}
spec:
  maxUnavailable: {{ $its.podDisruptionBudget.maxUnavailable }}
  selector:
    matchLabels:
      {{- include "relaycast.selector" $root | nindent 6 }}
      app.kubernetes.io/component: {{ .process }}
{{- end }}
{{- end }}
